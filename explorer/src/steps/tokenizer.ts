/** The tokenizers of keras_seq: the same tokens, ids and texts. */

import type { TokenizerAbout } from "./manifest";
import { SubwordTokenizer } from "./subwords";
import { clean, UNKNOWN } from "./unicode";
import { VocabularyTokenizer } from "./vocabulary";
import { WordTokenizer } from "./word-tokens";

export interface Tokenizer {
  readonly start: number;
  readonly end: number;
  readonly unknown: number;
  /** The tokens of a text; where an id is unknown, the text itself. */
  split(text: string): string[];
  encode(text: string): number[];
  token(id: number): string;
  /** The text of ids, without the special ones. */
  decode(ids: readonly number[]): string;
}

const KINDS: Record<string, (about: TokenizerAbout) => Tokenizer> = {
  CharacterTokenizer: (about) => new CharacterTokenizer(about),
  WordTokenizer: (about) => new WordTokenizer(about),
  SubwordTokenizer: (about) => new SubwordTokenizer(about),
};

/** The tokenizer that a manifest describes; an error where this page has none like it. */
export function makeTokenizer(about: TokenizerAbout | undefined): Tokenizer {
  if (!Array.isArray(about?.vocabulary) || !about.special_ids || !about.config) {
    throw new Error("The manifest of the model is damaged: it does not say how text is cut into tokens.");
  }
  const make = Object.hasOwn(KINDS, about.class) ? KINDS[about.class] : null;
  if (!make) {
    throw new Error(
      `The text of this model is cut into tokens by a ${about.class}, which runs in Python alone: ` +
        "keras-seq generate answers with it.",
    );
  }
  return make(about);
}

/** One id for each code point. */
class CharacterTokenizer extends VocabularyTokenizer implements Tokenizer {
  split(text: string): string[] {
    const { normalization, lowercase } = this.about.config;
    return [...clean(text, normalization, Boolean(lowercase))];
  }

  decode(ids: readonly number[]): string {
    return ids
      .filter((id) => id >= this.unknown)
      .map((id) => (id === this.unknown ? UNKNOWN : this.token(id)))
      .join("");
  }
}
