#!/usr/bin/env node
// Compares count_tokens with OpenAI's own code on files of this machine and on random strings; exit 1 on a difference.
// usage: compare.mjs <count_tokens> [--megabytes 24] [--strings 1000000] [--seed 1]
// Every instruction set that this CPU has is compared; `npm install` here first.
import { spawnSync } from "node:child_process";

import { trueCounts } from "./oracle.mjs";
import { kinds, randomText, seeded, textsOf } from "./texts.mjs";

const [counter, ...rest] = process.argv.slice(2);
const option = (name, otherwise) => Number(rest[rest.indexOf(`--${name}`) + 1] ?? otherwise) || otherwise;
const settings = { megabytes: 24, strings: 1_000_000, seed: 1 };
for (const name of Object.keys(settings)) if (rest.includes(`--${name}`)) settings[name] = option(name, settings[name]);

const isas = ["scalar", "avx2", "avx512"].filter((isa) => spawnSync(counter, ["--isa", isa], { input: "" }).status === 0);
const ways = [...isas.map((isa) => ["--isa", isa]), ["--caches", "smallest"], ["--caches", "none"]];

function framed(texts) {
  return Buffer.concat(texts.flatMap((text) => {
    const bytes = Buffer.from(text, "utf8");
    const size = Buffer.alloc(4);
    size.writeUInt32LE(bytes.length);
    return [size, bytes];
  }));
}

let differences = 0;

function compare(name, texts) {
  const input = framed(texts);
  const expected = texts.map((text) => trueCounts(text).join(" "));
  for (const way of ways) {
    const run = spawnSync(counter, [...way, "--framed"], { input, maxBuffer: 1 << 30 });
    if (run.status !== 0) throw new Error(`${counter} ${way.join(" ")}: ${run.stderr}`);
    const lines = run.stdout.toString().trimEnd().split("\n");
    if (lines.length !== texts.length) throw new Error(`${counter} ${way.join(" ")} printed ${lines.length} lines for ${texts.length} texts`);
    lines.forEach((line, i) => {
      if (line === expected[i]) return;
      if (++differences <= 20)
        console.log(`${name}, ${way.join(" ")}: counted ${line}, true ${expected[i]}: ${JSON.stringify(texts[i].slice(0, 300))}`);
    });
  }
  return input.length - 4 * texts.length;
}

const random = seeded(settings.seed);
console.log(`seed ${settings.seed}; ways: ${ways.map((way) => way.join(" ")).join(", ")}`);
let [bytes, documents] = [0, 0];
for (const kind of kinds) {
  const share = (settings.megabytes * 1e6) / kinds.length;
  const texts = [...textsOf(kind, share, 60_000, random)];
  if (texts.length === 0) {
    console.log(`${kind.name}: no such files here`);
    continue;
  }
  const size = compare(kind.name, texts);
  bytes += size;
  documents += texts.length;
  console.log(`${kind.name}: ${texts.length} documents, ${(size / 1e6).toFixed(2)} MB, ${differences} differences so far`);
}
for (let done = 0; done < settings.strings;) {
  const count = Math.min(50_000, settings.strings - done);
  const size = compare("random", Array.from({ length: count }, () => randomText(random)));
  bytes += size;
  documents += count;
  done += count;
  console.log(`${done} random strings, ${(size / 1e6).toFixed(2)} MB, ${differences} differences so far`);
}
console.log(`${documents} texts, ${(bytes / 1e6).toFixed(1)} MB, ${ways.length} ways, 2 encodings: ${differences} differences`);
process.exit(differences === 0 ? 0 : 1);
