#!/usr/bin/env node
// Writes tests/balance/tokens/golden.jsonl: about 2,000 texts with their true counts, {"text", "o200k", "cl100k"} per line.
// usage: golden.mjs > ../balance/tokens/golden.jsonl. Run it again only to add texts: what it takes from this machine's files varies.
import { trueCounts } from "./oracle.mjs";
import { kinds, randomText, seeded, textsOf } from "./texts.mjs";

const random = seeded(20);

function* edges() {
  yield* ["", " ", "\n", "\r\n", "a", "\0", "a\0b", "hello world", "<|endoftext|>", "t'd'DSJ", "中ABC", "中Abc", "使用API接口", "foo;\n/// x", "a\n  ",
    "x\u0085y", "x \u0085 y", "\ufeffx", "x\ufeff y", "it'ſ", "IT'ſ x", "a\u00a0b", "a\u00a0 b", "\u3000中", "  \u3000x", "'s", "I'll've", "X'LL", "l'été",
    "e\u0301e\u0301", "\u0301a", " \u0301", "👩‍💻👨‍👩‍👧", "ﬁ ﬂ", "ǅ ǅungla", "ⅷ Ⅷ ½ ²³ ١٢٣٤٥", "// comment\r\n\r\n", "}\n\n\n{", "://///\n/", "---\n///\n"];
  for (let digits = 1; digits <= 10; ++digits) yield "1234567890".slice(0, digits);
  for (const unit of ["a", " ", "\n", "-", "=", "中", "\u3000", "\u00a0", "0", "ab", "😀", "\t", ".", "é"])
    for (const times of [2, 3, 15, 16, 17, 31, 32, 33, 40, 41, 63, 64, 65, 127, 128, 129, 300]) yield unit.repeat(times);
  yield "a".repeat(5000) + "b";
  yield "x" + "-".repeat(3000) + "\n" + "中".repeat(1200);
  // What lies in the last or first bytes of a window of 64, and a run of blanks across its edge.
  for (const tail of ["aB", "t'd'Ds", " \n x", "   x", "12345", "中ABC", "é", "...\n/"])
    for (let before = 56; before <= 66; ++before) yield "lorem ipsum dolor sit amet, consectetur adipiscing elit sed do eiusmod".slice(0, before) + tail;
}

function* all() {
  yield* edges();
  for (const kind of kinds) yield* textsOf(kind, kind.name.length > 5 ? 11_000 : 8_000, 500, random);
  for (let i = 0; i < 900; ++i) yield randomText(random);
}

const seen = new Set();
for (const text of all()) {
  if (seen.has(text)) continue;
  seen.add(text);
  const [o200k, cl100k] = trueCounts(text);
  process.stdout.write(`${JSON.stringify({ text, o200k, cl100k })}\n`);
}
