// A backend that says exactly what a test tells it to, byte by byte.
import { createServer } from 'node:net'

/** A backend that keeps what it gets on each connection; `play(socket, text)` is called with all of it whenever more came. */
export class Backend {
  static async start() {
    const backend = new Backend()
    backend.connections = []
    backend.server = createServer({ noDelay: true }, socket => {
      const connection = { socket, text: '' }
      backend.connections.push(connection)
      socket.on('error', () => {})
      socket.on('data', data => backend.play(socket, connection.text += data.toString('latin1')))
    })
    await new Promise(done => backend.server.listen(0, '127.0.0.1', done))
    backend.url = `http://127.0.0.1:${backend.server.address().port}/v1`
    return backend
  }
  /** What came on each connection since the play began. */
  get received() { return this.connections.map(one => one.text) }
  begin(play) {
    for (const one of this.connections) one.socket.destroy()
    this.connections = []
    this.play = play
  }
  answer(text) { this.begin((socket, request) => { if (request.includes('\r\n\r\n')) socket.write(text) }) }
  stop() { this.server.close() }
}
