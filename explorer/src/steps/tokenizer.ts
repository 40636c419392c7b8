/** The character tokenizer of keras_seq: one id for each code point. */

import type { TokenizerAbout } from "./manifest";

const UNKNOWN = "\ufffd";

export class Tokenizer {
  readonly start: number;
  readonly end: number;
  private readonly unknown: number;
  private readonly ids: Map<string, number>;

  constructor(private readonly about: TokenizerAbout) {
    if (about.class !== "CharacterTokenizer") {
      throw new Error(
        `This page reads models of single characters; the tokens of this one are made by a ${about.class}. ` +
          "keras-seq generate answers with it.",
      );
    }
    ({ start: this.start, end: this.end, unknown: this.unknown } = about.special_ids);
    this.ids = new Map(about.vocabulary.slice(4).map((token, i) => [token, i + 4]));
  }

  split(text: string): string[] {
    const { normalization, lowercase } = this.about.config;
    const whole = text.replace(/\p{Surrogate}/gu, UNKNOWN);
    const normal = normalization ? whole.normalize(normalization) : whole;
    return [...(lowercase ? normal.toLowerCase() : normal)];
  }

  encode(text: string): number[] {
    return this.split(text).map((token) => this.ids.get(token) ?? this.unknown);
  }

  token(id: number): string {
    return this.about.vocabulary[id] ?? UNKNOWN;
  }

  /** The text of ids, without the special ones. */
  decode(ids: readonly number[]): string {
    return ids
      .filter((id) => id === this.unknown || id >= 4)
      .map((id) => (id === this.unknown ? UNKNOWN : this.token(id)))
      .join("");
  }
}
