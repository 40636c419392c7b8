/** One id for each word and each punctuation mark. */

import type { Tokenizer } from "./tokenizer";
import { clean, lowered, PUNCTUATION, splitSpaces } from "./unicode";
import { VocabularyTokenizer } from "./vocabulary";

const JOINER = "\uffed";
const CUT = "\x01"; // where text is cut while it is being split
const MARK = new RegExp(`[${PUNCTUATION}]`, "u");
/** Spaces around punctuation, and joiners where there were none: " a,b " becomes " a ￭,￭ b ". */
const MARKING: [RegExp, string][] = [
  [new RegExp(`([${PUNCTUATION}])`, "gu"), `${CUT}$1${CUT}`],
  [/\x01\x01/g, CUT],
  [/\x01? \x01?/g, " "],
  [new RegExp(`${CUT}([${PUNCTUATION}])`, "gu"), ` ${JOINER}$1`],
  [/\x01/g, `${JOINER} `],
];

export class WordTokenizer extends VocabularyTokenizer implements Tokenizer {
  split(text: string): string[] {
    const { normalization, lowercase } = this.about.config;
    let whole = clean(text.replaceAll(CUT, ""), normalization, false);
    if (lowercase) whole = whole.split("\0", 1)[0];
    return splitSpaces(whole).flatMap((word) => this.pieces(word));
  }

  private pieces(word: string): string[] {
    const { lowercase, split_punctuation: splits } = this.about.config;
    word = (lowercase ? lowered(word) : word).replaceAll(JOINER, "\u25a0");
    if (splits && MARK.test(word)) {
      word = MARKING.reduce((marked, [pattern, written]) => marked.replace(pattern, written), ` ${word} `);
    }
    return splitSpaces(word);
  }

  decode(ids: readonly number[]): string {
    const text = ids.filter((id) => id >= this.unknown).map((id) => this.token(id)).join(" ");
    return this.about.config.split_punctuation ? text.replace(/ ?\uffed ?/g, "") : text;
  }
}
