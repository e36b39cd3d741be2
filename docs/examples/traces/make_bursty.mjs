// Makes bursty.csv: node docs/examples/traces/make_bursty.mjs > docs/examples/traces/bursty.csv
// Three tenants over four minutes: people who chat (a few requests in a row, then silence), an agent whose every step
// sends its growing context again, and a job that comes in bursts. The same seed always makes the same file.
const seconds = 240
let state = 20_250_101

/** Mulberry32: a uniform number from 0 to 1. */
function uniform() {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}
const exponential = mean => -mean * Math.log(1 - uniform())
/** Log-normal: most are small, a few are ten times as large, as recorded traces are. */
function size(median, spread, least, most) {
  const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  return Math.round(Math.min(most, Math.max(least, median * Math.exp(spread * normal))))
}

const rows = []
const add = (time, prompt, completion, most, tenant, prefix) => {
  if (time < seconds) rows.push([time.toFixed(3), prompt, completion, most ?? '', tenant, prefix])
}

for (let time = 0; time < seconds; time += exponential(6)) { // people: a conversation starts every six seconds
  let prompt = size(180, 0.7, 40, 1500)
  for (let turn = 0, at = time; turn < 1 + Math.floor(exponential(2)); turn++, at += 2 + exponential(8)) {
    const completion = size(120, 0.8, 8, 900)
    add(at, prompt, completion, null, 'people', 'assistant')
    prompt = Math.min(3000, prompt + completion + size(40, 0.6, 10, 200))
  }
}
for (let run = 0; run < 5; run++) { // an agent: steps as fast as they are answered, its context grows
  let at = run * 48 + exponential(10)
  let prompt = size(900, 0.3, 500, 1500)
  for (let step = 0; step < 12; step++, at += 0.8 + exponential(1.5)) {
    add(at, prompt, size(60, 0.6, 10, 400), 512, 'agent', `agent${run}`)
    prompt = Math.min(4000, prompt + size(200, 0.5, 50, 600))
  }
}
for (let at = 20; at < seconds; at += 50) { // a job: thirty documents at once
  for (let i = 0; i < 30; i++) add(at + exponential(1.2), size(500, 0.5, 100, 2500), size(30, 0.4, 5, 100), 128, 'job', '')
}

rows.sort((a, b) => a[0] - b[0])
process.stdout.write(['time,prompt_tokens,completion_tokens,max_tokens,tenant,prefix', ...rows.map(row => row.join(','))].join('\n') + '\n')
