#!/usr/bin/env node
// Writes balance/tokens/character_ranges.hpp from the Unicode data of the node that runs it (17.0):
//   node tools/character_ranges.mjs > balance/tokens/character_ranges.hpp
// Run by hand when the tokenizer's own code moves to a newer Unicode; the build only reads the result.

// What Unicode 17.0 added. The tokenizer's own code has 16.0, in which these are no letters yet.
const added = new RegExp('[\\u088f\\u0c5c\\u0cdc\\u1acf-\\u1add\\u1ae0-\\u1aeb\\ua7ce-\\ua7cf\\ua7d2\\ua7d4\\ua7f1\\u{10940}-\\u{10959}\\u{10ec5}-\\u{10ec7}' +
  '\\u{10efa}-\\u{10efb}\\u{11b60}-\\u{11b67}\\u{11db0}-\\u{11ddb}\\u{11de0}-\\u{11de9}\\u{16ea0}-\\u{16eb8}\\u{16ebb}-\\u{16ed3}' +
  '\\u{16ff2}-\\u{16ff6}\\u{187f8}-\\u{187ff}\\u{18d09}-\\u{18d1e}\\u{18d80}-\\u{18df2}\\u{1e6c0}-\\u{1e6de}\\u{1e6e0}-\\u{1e6f5}' +
  '\\u{1e6fe}-\\u{1e6ff}\\u{2b73a}-\\u{2b73f}\\u{2cea2}-\\u{2cead}\\u{323b0}-\\u{33479}]', 'u');
if (process.versions.unicode !== '17.0') {
  console.error(`this node has Unicode ${process.versions.unicode}; what is to be left out of it is not known`);
  process.exit(1);
}

const classes = {
  upper_ranges: ['Uppercase and title case letters (Lu, Lt).', /^[\p{Lu}\p{Lt}]$/u],
  lower_ranges: ['Lowercase letters (Ll).', /^\p{Ll}$/u],
  caseless_ranges: ['Letters without case, modifier letters included (Lm, Lo).', /^[\p{Lm}\p{Lo}]$/u],
  mark_ranges: ['Combining marks (M).', /^\p{M}$/u],
  number_ranges: ['Numbers of every kind (N).', /^\p{N}$/u],
};

const of = new Map();
for (const [name, [, pattern]] of Object.entries(classes)) {
  for (let point = 0; point <= 0x10ffff; ++point) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const character = String.fromCodePoint(point);
    if (pattern.test(character) && !added.test(character)) of.set(point, name);
  }
}

// Alternating ranges: upper, lower, upper, ... one code point each, at least four of them.
const ranges = { alternating_ranges: [] };
for (const name of Object.keys(classes)) ranges[name] = [];
for (let point = 0; point <= 0x10ffff; ) {
  const name = of.get(point);
  if (name === undefined) {
    ++point;
    continue;
  }
  let end = point;
  while (of.get(end) === (((end - point) & 1) === 0 ? 'upper_ranges' : 'lower_ranges')) ++end;
  if (of.get(end) === of.get(end - 1)) --end;
  if (end - point >= 4) {
    ranges.alternating_ranges.push([point, end - 1]);
  } else {
    for (end = point; of.get(end) === name; ) ++end;
    ranges[name].push([point, end - 1]);
  }
  point = end;
}

const hex = (point) => '0x' + point.toString(16);
const print = (text) => process.stdout.write(text);
print(`// Which code points are letters, marks and numbers in Unicode 16.0: written by
// tools/character_ranges.mjs, not by hand. Every range is {first, last}; what no range holds is something else.
#pragma once

#include <cstdint>

namespace headroom::balance {

/// Code points from \`first\` to \`last\`, both included.
struct CharacterRange {
    std::uint32_t first;
    std::uint32_t last;
};

// clang-format off
`);
const about = { alternating_ranges: 'Upper and lower case by turns, the first one upper.' };
for (const [name, list] of Object.entries(ranges)) {
  print(`\n/// ${about[name] ?? classes[name][0]}\ninline constexpr CharacterRange ${name}[] = {\n`);
  let line = '   ';
  for (const [first, last] of list) {
    const entry = ` {${hex(first)}, ${hex(last)}},`;
    if (line.length + entry.length > 120) {
      print(line + '\n');
      line = '   ';
    }
    line += entry;
  }
  print(line + '\n};\n');
}
print('\n// clang-format on\n\n} // namespace headroom::balance\n');
