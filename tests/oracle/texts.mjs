// Texts to count: files of this machine by kind, and random strings of every script. All are valid UTF-8.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { gunzipSync } from "node:zlib";

/** A seeded generator: random(n) is in [0, n). */
export function seeded(seed) {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

function* files(folder) {
  let entries = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (entry.isFile()) yield path;
  }
}

/** The text of a file, unpacked; undefined when it is not UTF-8. A .mo file's strings, one per line. */
export function read(path) {
  try {
    let bytes = readFileSync(path);
    if (path.endsWith(".gz")) bytes = gunzipSync(bytes);
    if (path.endsWith(".mo")) bytes = translations(bytes);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function translations(bytes) {
  const count = bytes.readUInt32LE(8);
  const table = bytes.readUInt32LE(16);
  const lines = [];
  for (let i = 1; i < count; ++i) {
    const size = bytes.readUInt32LE(table + 8 * i);
    const at = bytes.readUInt32LE(table + 8 * i + 4);
    lines.push(bytes.subarray(at, at + size), Buffer.from("\n"));
  }
  return Buffer.concat(lines);
}

const languages = ["ar", "bg", "ca", "cs", "da", "de", "el", "es", "eu", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it", "ja",
  "ka", "ko", "lt", "lv", "ml", "mr", "nb", "nl", "pa", "pl", "pt_BR", "ro", "ru", "sk", "sr", "sv", "ta", "te", "th", "tr", "uk", "vi",
  "zh_CN", "zh_TW"];

/** Kinds of files: a name, folders, endings ("" is any). */
export const kinds = [
  { name: "english", folders: ["/usr/share/doc", "/usr/share/common-licenses"], endings: ["", ".txt", ".gz"] },
  { name: "manual", folders: ["/usr/share/man/man1", "/usr/share/man/man3", "/usr/share/man/man8"], endings: [".gz"] },
  { name: "cpp", folders: ["/usr/include"], endings: [".h", ".hpp", ""] },
  { name: "python", folders: ["/usr/lib/python3", "/usr/lib/python3.11"], endings: [".py"] },
  { name: "perl", folders: ["/usr/share/perl", "/usr/share/perl5"], endings: [".pm", ".pod", ".pl"] },
  { name: "javascript", folders: ["/usr/share/nodejs", "/usr/lib/node_modules", "/usr/share/javascript"], endings: [".js", ".mjs", ".ts"] },
  { name: "json", folders: ["/usr/share", "/usr/lib"], endings: [".json"] },
  { name: "html", folders: ["/usr/share/doc"], endings: [".html", ".htm", ".xml"] },
  { name: "markdown", folders: ["/usr/share", "/usr/lib"], endings: [".md"] },
  ...languages.map((language) => ({
    name: language, folders: [`/usr/share/man/${language}`, `/usr/share/locale/${language}`,
      `/usr/share/vim/vim90/lang/${language}.UTF-8`, `/usr/share/vim/vim90/lang/${language}`], endings: [".gz", ".mo"],
  })),
];

/** Up to `bytesMax` of texts of one kind, each at most `sizeMax` characters, the same ones each time on the same machine. */
export function* textsOf(kind, bytesMax, sizeMax, random) {
  const found = kind.folders.flatMap((folder) => [...files(folder)])
    .filter((path) => kind.endings.includes(extname(path)) && statSync(path).size < 4 << 20).sort();
  for (let bytes = 0; bytes < bytesMax && found.length > 0;) {
    const [path] = found.splice(random(found.length), 1);
    const text = read(path);
    if (!text || text.length < 40) continue;
    const from = random(Math.max(1, text.length - sizeMax));
    const part = text.slice(from, from + sizeMax).toWellFormed?.() ?? wellFormed(text.slice(from, from + sizeMax));
    bytes += Buffer.byteLength(part);
    yield part;
  }
}

/** Lone surrogates, which UTF-8 cannot hold, replaced. */
function wellFormed(text) {
  return Buffer.from(text, "utf8").toString("utf8");
}

// Up to plane 2: above, Unicode 17 has letters that the oracle does not know.
const ranges = [[0x61, 26], [0x41, 26], [0x30, 10], [0x20, 1], [0x0a, 1], [0x21, 15], [0x3a, 7], [0x5b, 6], [0x7b, 4], [1, 0x7e],
  [0xa0, 0x60], [0xc0, 0x180], [0x300, 0x70], [0x370, 0x90], [0x400, 0x100], [0x530, 0x60], [0x590, 0x170], [0x900, 0x80], [0x980, 0x300],
  [0xe00, 0x80], [0x10a0, 0x60], [0x1100, 0x100], [0x1e00, 0x200], [0x2000, 0x70], [0x2070, 0x300], [0x2e80, 0x200], [0x3000, 0x40],
  [0x3041, 0xb6], [0x4e00, 0x5200], [0xac00, 11172], [0xf900, 0x200], [0xff00, 0xf0], [0x10000, 0x400], [0x1d400, 0x400], [0x1f300, 0x700],
  [0x20000, 0x2000], [0, 0xd800], [0xe000, 0x22000]];
const snippets = ["the", " of", " and", "Token", "HTTP", "return ", "don't", "WE'LL", "I'd'd", "'s", "'ſ", "'S", " '", "\r\n", "\r", "  ", "\t\t",
  "    ", "\n\n", "\u0085", "\ufeff", "\u00a0", "\u3000", "\u2028", "foo;\n/// x", "中ABC", "使用API接口", "t'd'DSJ", "://", "));\n", "<|endoftext|>",
  "我们", "使用", "的", "です", "한국", "привет", "e\u0301", "\u200d", "👩‍💻", "0x1f", "3.14159", "\0", "aaaa", "----", "====", "____"];

/** One random string: a few pools, some runs. */
export function randomText(random) {
  const pools = Array.from({ length: 1 + random(4) }, () => random(ranges.length + 6));
  const length = 1 + random(random(10) === 0 ? 120 : 24);
  let text = "";
  for (let i = 0; i < length; ++i) {
    const pool = pools[random(pools.length)];
    const range = ranges[pool];
    const unit = range ? String.fromCodePoint(range[0] + random(range[1])) : snippets[random(snippets.length)];
    text += random(40) === 0 ? unit.repeat(1 + random(50)) : unit;
  }
  return text;
}
