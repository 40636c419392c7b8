/** The views of the page, in the order of its navigation. */

import type { Component } from "svelte";
import Cell from "./views/Cell.svelte";
import Decide from "./views/Decide.svelte";
import Gradients from "./views/Gradients.svelte";
import Memory from "./views/Memory.svelte";
import Tag from "./views/Tag.svelte";
import Translate from "./views/Translate.svelte";
import Write from "./views/Write.svelte";

/** `kind`: that of the models without which a view is of no use, and is left out. */
export const VIEWS: readonly { id: string; name: string; component: Component; kind?: string }[] = [
  { id: "cell", name: "Cell", component: Cell },
  { id: "gradients", name: "Gradient flow", component: Gradients },
  { id: "memory", name: "Memory", component: Memory },
  { id: "translate", name: "Translate", component: Translate },
  { id: "write", name: "Read and write", component: Write },
  { id: "tag", name: "Read and tag", component: Tag },
  { id: "decide", name: "Read and decide", component: Decide, kind: "TextClassifier" },
];
