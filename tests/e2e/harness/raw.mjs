// A client that says exactly what it is told, byte by byte, and keeps what came back.
import { connect } from 'node:net'

export class Raw {
  static open(port) {
    const raw = new Raw()
    raw.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    raw.bytes = Buffer.alloc(0)
    raw.looks = []
    const look = () => { for (const one of [...raw.looks]) one() }
    raw.socket.on('data', data => { raw.bytes = Buffer.concat([raw.bytes, data]); look() })
    raw.socket.on('end', () => { raw.ended = true; look() })
    raw.socket.on('error', error => { raw.error = error; raw.ended = true; look() })
    raw.socket.on('close', () => { raw.ended = true; look() })
    return new Promise(done => raw.socket.once('connect', () => done(raw)))
  }
  get text() { return this.bytes.toString('latin1') }
  write(text) { this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text) }
  /** Until the text received satisfies `test`, or the peer ended. */
  until(test = () => false) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing more came after: ${JSON.stringify(this.text.slice(-300))}`)), 20_000)
      const look = () => {
        if (!test(this.text) && !this.ended) return
        clearTimeout(timer)
        this.looks = this.looks.filter(one => one !== look)
        resolve(this.text)
      }
      this.looks.push(look)
      look()
    })
  }
  close() { this.socket.destroy() }
}

/** Sends, waits for the end of the connection, gives what came. */
export async function exchange(port, text) {
  const raw = await Raw.open(port)
  raw.write(text)
  const answer = await raw.until()
  raw.close()
  return answer
}

export const postText = (path, body, headers = '') =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`

/** The responses in a stream of bytes: [{ status, headers, body, whole }]; interim ones included. */
export function parseResponses(text) {
  const responses = []
  let rest = text
  while (rest.startsWith('HTTP/')) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) break
    const [line, ...fields] = rest.slice(0, end).split('\r\n')
    const headers = Object.fromEntries(fields.map(field => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]))
    const status = Number(line.split(' ')[1])
    rest = rest.slice(end + 4)
    let body = ''
    let whole = true
    if (headers['transfer-encoding'] === 'chunked') {
      whole = false
      for (;;) {
        const found = /^([0-9a-f]+)\r\n/i.exec(rest)
        if (!found) break
        const size = parseInt(found[1], 16)
        if (size === 0) { whole = rest.slice(found[0].length).startsWith('\r\n'); rest = rest.slice(found[0].length + 2); break }
        body += rest.slice(found[0].length, found[0].length + size)
        rest = rest.slice(found[0].length + size + 2)
      }
    } else if (headers['content-length'] !== undefined) {
      const size = Number(headers['content-length'])
      whole = rest.length >= size
      body = rest.slice(0, size)
      rest = rest.slice(size)
    }
    responses.push({ status, headers, body, whole })
  }
  return responses
}
