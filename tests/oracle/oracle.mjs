// What the true counts are: OpenAI's Rust code, compiled to WebAssembly by the npm package tiktoken.
import { createRequire } from "node:module";

const { get_encoding } = createRequire(import.meta.url)("tiktoken");
const encodings = [get_encoding("o200k_base"), get_encoding("cl100k_base")];

/** The tokens of `text` as ordinary text, in o200k_base and in cl100k_base. */
export function trueCounts(text) {
  return encodings.map((encoding) => encoding.encode_ordinary(text).length);
}
