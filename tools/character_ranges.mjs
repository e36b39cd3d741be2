#!/usr/bin/env node
// Writes balance/tokens/character_ranges.hpp from the Unicode data of the node that runs it:
//   node tools/character_ranges.mjs > balance/tokens/character_ranges.hpp
// Run by hand when a newer Unicode is wanted; the build only reads the result.
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
    if (pattern.test(String.fromCodePoint(point))) of.set(point, name);
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
print(`// Which code points are letters, marks and numbers in Unicode ${process.versions.unicode}: written by
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
