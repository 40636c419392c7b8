/** Frequent words and pieces of rare ones: models of sentencepiece, "unigram" and "bpe". */

import type { TokenizerAbout } from "./manifest";
import type { Tokenizer } from "./tokenizer";
import { mended, UNKNOWN } from "./unicode";

const SPACE = "\u2581"; // ▁
const UNKNOWN_TEXT = " \u2047 ";
const UNKNOWN_PENALTY = 10;
const [UNIGRAM, BPE] = [1, 2];
const KNOWN_KINDS = [1, 2, 3]; // ordinary, unknown and control pieces

/** A message of protocol buffers: from the number of each field to its values. */
type Message = Map<number, (number | Uint8Array)[]>;

function readMessage(bytes: Uint8Array): Message {
  const fields: Message = new Map();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let place = 0;
  const varint = () => {
    let value = 0;
    for (let power = 1; ; power *= 128) {
      const byte = bytes[place++];
      value += (byte & 127) * power;
      if (byte < 128 || byte === undefined) return value;
    }
  };
  while (place < bytes.length) {
    const key = varint();
    let value: number | Uint8Array;
    if ((key & 7) === 0) value = varint();
    else if ((key & 7) === 5) {
      value = view.getFloat32(place, true);
      place += 4;
    } else if ((key & 7) === 2) {
      const size = varint();
      value = bytes.subarray(place, (place += size));
    } else throw new Error("The subwords of the model are damaged.");
    const number = Math.floor(key / 8);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

/** All values of a field that stands there thousands of times. */
function* repeated(bytes: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (const value of readMessage(bytes).get(wanted) ?? []) yield value as Uint8Array;
}

const numberOf = (message: Message, field: number, usual: number) => (message.get(field)?.at(-1) ?? usual) as number;
const bytesOf = (message: Message, field: number) => (message.get(field)?.at(-1) ?? new Uint8Array()) as Uint8Array;

/** The normalisation that a model comes with: rules in a trie (a double array), and what it does to spaces. */
class Normalizer {
  private readonly units: DataView;
  private readonly written: Uint8Array;
  private readonly prefix: boolean;
  private readonly trims: boolean;
  private readonly escapes: boolean;

  constructor(spec: Message) {
    const map = bytesOf(spec, 2);
    const view = new DataView(map.buffer, map.byteOffset, map.byteLength);
    const size = map.length ? view.getUint32(0, true) : 0;
    this.units = new DataView(map.buffer, map.byteOffset + (map.length ? 4 : 0), size);
    this.written = map.subarray(4 + size);
    this.prefix = Boolean(numberOf(spec, 3, 1));
    this.trims = Boolean(numberOf(spec, 4, 1));
    this.escapes = Boolean(numberOf(spec, 5, 1));
  }

  /** The longest rule for what stands at a place: how many bytes it takes, and where its result is. */
  private rule(text: Uint8Array, start: number): [number, number] {
    let best: [number, number] = [0, 0];
    if (!this.units.byteLength) return best;
    const unit = (node: number) => this.units.getUint32(4 * node, true);
    const offset = (x: number) => (x >>> 10) << ((x & 512) >>> 6);
    let node = offset(unit(0));
    for (let i = start; i < text.length; i++) {
      node ^= text[i];
      if (4 * node >= this.units.byteLength) break;
      const x = unit(node);
      if ((x & 0x800000ff) >>> 0 !== text[i]) break;
      node ^= offset(x);
      if ((x >>> 8) & 1) best = [i + 1 - start, unit(node) & 0x7fffffff];
    }
    return best;
  }

  normalize(text: string): string {
    const bytes = new TextEncoder().encode(text);
    const decoder = new TextDecoder();
    const parts: string[] = [];
    for (let i = 0; i < bytes.length; ) {
      const [taken, place] = this.rule(bytes, i);
      if (taken) {
        parts.push(decoder.decode(this.written.subarray(place, this.written.indexOf(0, place))));
        i += taken;
      } else {
        const size = bytes[i] < 128 ? 1 : bytes[i] < 224 ? 2 : bytes[i] < 240 ? 3 : 4;
        parts.push(decoder.decode(bytes.subarray(i, i + size)));
        i += size;
      }
    }
    let plain = parts.join("");
    if (this.trims) plain = plain.replace(/^ +| +$/g, "").replace(/ +/g, " ");
    if (this.prefix && plain) plain = ` ${plain}`;
    return this.escapes ? plain.replaceAll(" ", SPACE) : plain;
  }

  /** Whether a space at the beginning of a text is the model's own. */
  get takesFirstSpace() {
    return this.prefix || this.trims;
  }
  /** Whether all spaces there go. */
  get takesAllSpaces() {
    return this.trims;
  }
}

export class SubwordTokenizer implements Tokenizer {
  readonly start: number;
  readonly end: number;
  readonly unknown: number;
  private readonly ids = new Map<string, number>();
  private readonly scores = new Map<string, number>();
  private readonly normalizer: Normalizer;
  private readonly cut: (text: string) => string[];
  private longest = 1; // UTF-16 units of a piece
  private unknownScore = 0;

  constructor(private readonly about: TokenizerAbout) {
    ({ start: this.start, end: this.end, unknown: this.unknown } = about.special_ids);
    const proto = Uint8Array.from(atob(about.config.model_proto ?? ""), (c) => c.charCodeAt(0));
    const model = readMessage(proto);
    const trainer = readMessage(bytesOf(model, 2));
    const kind = numberOf(trainer, 3, UNIGRAM);
    let id = 0;
    for (const bytes of repeated(proto, 1)) {
      const piece = readMessage(bytes);
      if (!KNOWN_KINDS.includes(numberOf(piece, 3, 1))) {
        throw new Error("The subwords of this model have pieces of a kind that this page does not know.");
      }
      if (id >= 4) {
        const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytesOf(piece, 1));
        this.ids.set(text, id);
        this.scores.set(text, numberOf(piece, 2, 0));
        this.longest = Math.max(this.longest, text.length);
      }
      id += 1;
    }
    if (kind !== UNIGRAM && kind !== BPE) {
      throw new Error("The subwords of this model are neither unigram nor BPE, which this page knows.");
    }
    const lowest = [...this.scores.values()].reduce((a, b) => Math.min(a, b), Infinity);
    this.unknownScore = Math.fround((Number.isFinite(lowest) ? lowest : 0) - UNKNOWN_PENALTY);
    this.normalizer = new Normalizer(readMessage(bytesOf(model, 3)));
    this.cut = kind === BPE ? (text) => this.merged(text) : (text) => this.mostProbable(text);
  }

  /** The most probable pieces, by sums that are rounded as keras_seq rounds them. */
  private mostProbable(text: string): string[] {
    const best = new Float64Array(text.length + 1).fill(-Infinity);
    const from = new Int32Array(text.length + 1);
    best[0] = 0;
    for (let start = 0; start < text.length; ) {
      const first = start + String.fromCodePoint(text.codePointAt(start)!).length;
      let whole = false;
      const reach = (end: number, score: number) => {
        if (score + best[start] <= best[end]) return;
        best[end] = Math.fround(score + best[start]);
        from[end] = start;
      };
      for (let end = first; end <= Math.min(text.length, start + this.longest); end++) {
        const score = this.scores.get(text.slice(start, end));
        if (score === undefined) continue;
        whole ||= end === first;
        reach(end, score);
      }
      if (!whole) reach(first, this.unknownScore);
      start = first;
    }
    const pieces: string[] = [];
    for (let end = text.length; end; end = from[end]) pieces.unshift(text.slice(from[end], end));
    return pieces;
  }

  /** Pairs are merged, that with the highest score first, then the leftmost. */
  private merged(text: string): string[] {
    const pieces = [...text];
    for (;;) {
      let [place, most] = [-1, -Infinity];
      for (let i = 0; i + 1 < pieces.length; i++) {
        const score = this.scores.get(pieces[i] + pieces[i + 1]);
        if (score !== undefined && score > most) [place, most] = [i, score];
      }
      if (place < 0) return pieces;
      pieces.splice(place, 2, pieces[place] + pieces[place + 1]);
    }
  }

  split(text: string): string[] {
    const whole: string[] = [];
    let before = false; // whether the piece before is unknown: such that stand together are one
    for (const piece of this.cut(this.normalizer.normalize(mended(text)))) {
      const unknown = !this.ids.has(piece);
      if (unknown && before) whole[whole.length - 1] += piece;
      else whole.push(piece);
      before = unknown;
    }
    return whole;
  }

  encode(text: string): number[] {
    return this.split(text).map((piece) => this.ids.get(piece) ?? this.unknown);
  }

  token(id: number): string {
    return this.about.vocabulary[id] ?? UNKNOWN;
  }

  decode(ids: readonly number[]): string {
    let text = "";
    let first = this.normalizer.takesFirstSpace;
    for (const id of ids) {
      if (id < this.unknown) continue;
      let piece = id === this.unknown ? UNKNOWN_TEXT : this.token(id);
      if (first && piece.startsWith(SPACE)) {
        piece = piece.slice(1);
        first = this.normalizer.takesAllSpaces && piece === "";
      } else first = false;
      text += piece.replaceAll(SPACE, " ");
    }
    return text;
  }
}
