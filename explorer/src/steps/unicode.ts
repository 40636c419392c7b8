/**
 * Characters as the tokenizers of keras_seq see them. What Unicode knows differs from browser to
 * browser; what decides over ids stands in `unicode.json`, which is made of the tables of keras_seq.
 * Only the forms NFC and NFKC of the newest characters are those of the browser.
 */

import tables from "./unicode.json";

export const UNKNOWN = "\ufffd";

/** Ranges such as "41-5a 5d" as what stands between the brackets of a class. */
function within(ranges: string): string {
  return ranges.replace(/[0-9a-f]+/g, (code) => `\\u{${code}}`).replaceAll(" ", "");
}

/** White space as `str.split` of Python has it. */
export const SPACES = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
export const PUNCTUATION = within(tables.punctuation);
export const DIGITS = within(tables.digits);
const LATER = new RegExp(`([${within(tables.later_letters)}])`, "u");
const SIGMAS = "\u03c2\u03c3";

/** The text with U+FFFD for lone surrogates. */
export function mended(text: string): string {
  return text.replace(/\p{Surrogate}/gu, UNKNOWN);
}

/** The text in lower case as of Unicode 13, up to a NUL. */
export function lowered(text: string): string {
  const parts = text.split("\0", 1)[0].split(LATER);
  return parts.map((part, i) => (i % 2 ? part : loweredPart(part))).join("");
}

function loweredPart(text: string): string {
  const changed = tables.changed_letters as Record<string, string>;
  const shown = [...text].map((c) => changed[c] ?? c).join("");
  const lower = text.toLowerCase();
  if (shown === text) return lower;
  const old = [...shown.toLowerCase()];
  return [...lower].map((c, i) => (SIGMAS.includes(old[i]) ? old[i] : c)).join("");
}

export function clean(text: string, normalization: "NFC" | "NFKC" | null | undefined, lowercase: boolean): string {
  const whole = mended(text);
  const normal = normalization ? whole.normalize(normalization) : whole;
  return lowercase ? lowered(normal) : normal;
}

const SPACE = new RegExp(`[${SPACES}]+`, "u");

/** What stands between white space. */
export function splitSpaces(text: string): string[] {
  return text.split(SPACE).filter(Boolean);
}
