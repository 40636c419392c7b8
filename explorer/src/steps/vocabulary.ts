/** What tokenizers with a vocabulary of their own have in common: ids from 4 on, after the special ones. */

import type { TokenizerAbout } from "./manifest";
import { UNKNOWN } from "./unicode";

export abstract class VocabularyTokenizer {
  readonly start: number;
  readonly end: number;
  readonly unknown: number;
  private readonly ids: Map<string, number>;

  constructor(protected readonly about: TokenizerAbout) {
    ({ start: this.start, end: this.end, unknown: this.unknown } = about.special_ids);
    this.ids = new Map(about.vocabulary.slice(4).map((token, i) => [token, i + 4]));
  }

  abstract split(text: string): string[];

  encode(text: string): number[] {
    return this.split(text).map((token) => this.ids.get(token) ?? this.unknown);
  }

  token(id: number): string {
    return this.about.vocabulary[id] ?? UNKNOWN;
  }
}
