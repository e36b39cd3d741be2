// What /why tells of a request, and the same decisions once more by `headroom replay`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from './programs.mjs'

/** The page of a request that has ended. */
export async function why(proxy, id) {
  return until(async () => {
    const response = await fetch(`${proxy.admin}/why/${id}`)
    if (response.status !== 200) return undefined
    const page = await response.json()
    return page.requests.at(-1).end.length > 0 && page
  }, `/why/${id}`)
}

/** Exit code and words of `headroom replay` for a text, or for a page. */
export async function replay(given) {
  const child = spawn(process.env.HEADROOM_BIN, ['replay', '-'], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { said += data })
  child.stdin.end(typeof given === 'string' ? given : JSON.stringify(given))
  const [code] = await once(child, 'close')
  return { code, said }
}
