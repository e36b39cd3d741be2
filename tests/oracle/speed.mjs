#!/usr/bin/env node
// How fast OpenAI's own code, as WebAssembly, and count_tokens count the same texts in the same minute, in both encodings.
// usage: speed.mjs <count_tokens>. Its time is that of the whole process with reading and printing, start-up taken off.
import { spawnSync } from "node:child_process";

import { trueCounts } from "./oracle.mjs";
import { kinds, seeded, textsOf } from "./texts.mjs";

const [counter] = process.argv.slice(2);
const rounds = 60;

function framed(texts) {
  return Buffer.concat(texts.flatMap((text) => {
    const bytes = Buffer.from(text, "utf8");
    const size = Buffer.alloc(4);
    size.writeUInt32LE(bytes.length);
    return [size, bytes];
  }));
}

function seconds(run) {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

function counterSeconds(texts) {
  const input = framed(texts);
  return seconds(() => spawnSync(counter, ["--framed"], { input, maxBuffer: 1 << 30 }));
}

const random = seeded(1);
for (const name of ["english", "cpp", "json", "python", "es", "fr", "ru", "zh_CN", "ja", "ko"]) {
  const texts = [...textsOf(kinds.find((kind) => kind.name === name), 200_000, 20_000, random)];
  const megabytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
  if (texts.length === 0) continue;
  const theirs = seconds(() => texts.forEach(trueCounts));
  const many = Array.from({ length: rounds }, () => texts).flat();
  const ours = Math.min(...[1, 2, 3].map(() => counterSeconds(many) - counterSeconds(texts))) / (rounds - 1);
  console.log(`${name}: wasm ${(megabytes / theirs).toFixed(2)} MB/s, count_tokens ${(megabytes / ours).toFixed(0)} MB/s, ${(theirs / ours).toFixed(0)} times as fast`);
}
