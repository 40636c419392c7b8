/** What stands beside step graphs: see the guide to step graphs of keras_seq. */

export interface Field {
  dtype: string;
  shape: (number | null)[];
  about: string;
}

export interface Graph {
  file: string;
  inputs: Record<string, Field>;
  outputs: Record<string, Field>;
}

export interface TokenizerAbout {
  class: string;
  config: {
    lowercase?: boolean;
    normalization?: "NFC" | "NFKC" | null;
    split_punctuation?: boolean;
    /** A model of sentencepiece, base64. */
    model_proto?: string;
  };
  vocabulary: string[];
  special_ids: { pad: number; start: number; end: number; unknown: number };
}

export interface Manifest {
  version: number;
  kind: string;
  graphs: Record<string, Graph>;
  state: { input: string; output: string; dtype: string; shape: (number | null)[] }[];
  memory: string[];
  tokenizers: Record<string, TokenizerAbout>;
  sampler?: { name: string; config: Record<string, unknown> };
  end_ids: number[];
  max_length: number | null;
  max_source_length: number;
  max_target_length: number;
  copy?: boolean;
  /** Of a classifier. */
  class_names?: string[];
  multi_label?: boolean;
  threshold?: number;
  /** Of a tagger. */
  tag_names?: string[];
  zero_digits?: boolean;
  max_word_length?: number;
  chain?: { transitions: number[][]; start: number[]; end: number[] } | null;
  example?: { text?: string; answer?: { text: string; score: number } };
}

export const VERSION = 1;

/** The manifest in a text; an error that says what is wrong with it. */
export function readManifest(text: string): Manifest {
  let found: Manifest;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error("The manifest of the model is damaged: it is no JSON.");
  }
  for (const name of ["version", "kind", "graphs", "state", "memory"] as const) {
    if (found?.[name] === undefined) {
      throw new Error(`The manifest of the model is damaged: it has no "${name}".`);
    }
  }
  if (found.version > VERSION) {
    throw new Error(`The model has step graphs of version ${found.version}; this page knows those up to ${VERSION}.`);
  }
  if (!found.graphs.step?.inputs || !found.graphs.step.outputs || !Array.isArray(found.state) || !Array.isArray(found.memory)) {
    throw new Error('The manifest of the model is damaged: "graphs" has no "step", or the state is no list.');
  }
  return found;
}
