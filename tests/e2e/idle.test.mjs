// What a client's connection costs while nothing is asked over it. For what ships: frames are larger without optimisation.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Proxy } from './harness/programs.mjs'
import { Raw } from './harness/raw.mjs'

/** Bytes of memory that no file backs, by the kernel's count. */
function memory(proxy) {
  const text = readFileSync(`/proc/${proxy.child.pid}/smaps_rollup`, 'utf8')
  const bytes = name => 1024 * Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)[1])
  return { anonymous: bytes('Anonymous'), huge: bytes('AnonHugePages') }
}

test('less than 1 KiB after a request', async context => {
  // nobody is asked
  const proxy = await Proxy.start({ backends: { none: 'http://127.0.0.1:9/v1' }, env: { HEADROOM_TIMEOUTS_KEEPALIVE: '1h' } })
  const idle = []
  const open = async count => {
    while (idle.length < count) {
      const some = await Promise.all(Array.from({ length: 100 }, () => Raw.open(proxy.port)))
      for (const one of some) one.write('GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n')
      for (const one of some) await one.until(text => text.endsWith('Healthy'))
      idle.push(...some)
    }
    return memory(proxy)
  }
  try {
    const [from, to] = [1_000, 5_000]
    const [few, many] = [await open(from), await open(to)]
    assert.ok(idle.every(one => !one.ended), 'all are open')
    if (few.huge + many.huge > 0) return context.skip('memory comes in huge pages here')
    const each = (many.anonymous - few.anonymous) / (to - from)
    context.diagnostic(`${each.toFixed(0)} bytes each`)
    assert.ok(each < 1024, `${each} bytes each`)
  } finally {
    for (const one of idle) one.close()
    assert.equal(await proxy.stop(), 0)
  }
})
