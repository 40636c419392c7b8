/** The views of the page, in the order of its navigation. */

import type { Component } from "svelte";
import Cell from "./views/Cell.svelte";

export const VIEWS: readonly { id: string; name: string; component: Component }[] = [
  { id: "cell", name: "Cell", component: Cell },
];
