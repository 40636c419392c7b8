/** What views ask of the place where they are shown: a page of its own, or a notebook. */

import { getContext, setContext } from "svelte";
import type { Value } from "./address";

export interface Served {
  name: string;
  kind: string;
}

/** Where a model comes from: a folder of a web host, or its files with the runtime that computes. */
export type Source = { folder: string } | { files: Record<string, Uint8Array>; wasm: Uint8Array };

export interface Host {
  /** The models that can be chosen. */
  models(): Promise<Served[]>;
  source(name: string): Promise<Source>;
  /** An answer of such a model that was computed before, for the time until one is loaded. */
  example(kind: string): Promise<unknown>;
  /** What is said where the model takes long to come. */
  late?: string;
  /** A worker that runs models. */
  worker(): Worker;
  /** The settings that a view begins with. */
  params(): URLSearchParams;
  /** Keep the settings of a view. */
  keep(view: string, values: Record<string, Value>, defaults: Record<string, Value>): void;
}

const KEY = Symbol("host");

export const setHost = (host: Host): Host => setContext(KEY, host);
export const getHost = (): Host => getContext(KEY);
