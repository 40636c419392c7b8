/** Sentences of words, as keras_seq reads them. */

import { DIGITS, mended, SPACES } from "./unicode";

const SPACE = new RegExp(`[${SPACES}]`, "gu");
const DIGIT = new RegExp(`[${DIGITS}]`, "gu");
const BLANK = new RegExp(`^[${SPACES}]*$`, "u");

/** What stands between blanks, tabs and line ends. */
export function splitWords(text: string): string[] {
  return BLANK.test(text) ? [] : (text.match(/[^ \t\n\v\f\r]+/g) ?? []);
}

/** A text with blanks between words and the punctuation marks around them. */
export function apart(text: string): string {
  return text.replace(/(^|\s)(\p{P}+)(?=[^\s\p{P}])/gu, "$1$2 ").replace(/([^\s\p{P}])(\p{P}+)(?=\s|$)/gu, "$1 $2");
}

/** A word as it is looked up. */
export function knownWord(word: string, zeroDigits: boolean): string {
  const whole = mended(word).replace(SPACE, "_");
  return zeroDigits ? whole.replace(DIGIT, "0") : whole;
}
