/**
 * The page as a host. What the address says after `#`: the view, and its settings where they are not
 * the usual ones, as in `#gradients?length=80&theme=dark`. A link to it shows the same page again.
 */

import { read, write, type Value } from "./address";
import type { Host } from "./host";

/** What all views share, and what the address therefore keeps from one view to the next. */
const SHARED = { theme: "auto", size: "normal" };
const SHARED_CHOICES = { theme: ["auto", "light", "dark"], size: ["normal", "large"] };
const EXAMPLES: Record<string, () => Promise<{ default: unknown }>> = {
  Seq2Seq: () => import("../models/examples/Seq2Seq.json"),
  LanguageModel: () => import("../models/examples/LanguageModel.json"),
  TextTagger: () => import("../models/examples/TextTagger.json"),
};
/** The models that are served beside the page: `models/index.json` lists them. */
const MODELS = new URL("models/", document.baseURI).href;

function parse(hash: string) {
  const [view, query = ""] = hash.replace(/^#\/?/, "").split("?");
  return { view, params: new URLSearchParams(query) };
}

/** `version` counts the addresses that the reader has gone to: a view is made anew for each. */
export const route = $state({ ...parse(location.hash), version: 0 });
export const shared = $state(read(SHARED, SHARED_CHOICES, route.params));

/** The address follows when its settings are at rest: browsers take only so many changes in a while. */
const REST = 200; // ms
let following: ReturnType<typeof setTimeout>;

addEventListener("hashchange", () => {
  clearTimeout(following);
  Object.assign(route, parse(location.hash), { version: route.version + 1 });
  Object.assign(shared, read(SHARED, SHARED_CHOICES, route.params));
});

/** The address of a view. */
export function link(view: string, values: Record<string, Value> = {}, defaults = {}): string {
  const query = [write(values, defaults), write(shared, SHARED)].filter(Boolean).join("&");
  return `#${view}${query && "?"}${query}`;
}

export const page: Host = {
  async models() {
    const answer = await fetch(`${MODELS}index.json`).catch(() => null);
    return answer?.ok ? answer.json() : [];
  },
  source: async (name) => ({ folder: MODELS + encodeURIComponent(name) }),
  example: async (kind) => EXAMPLES[kind]?.().then((made) => made.default),
  worker: () => new Worker(new URL("./steps/model.worker.ts", import.meta.url), { type: "module" }),
  params: () => route.params,
  keep(view, values, defaults) {
    const address = link(view, values, defaults);
    clearTimeout(following);
    following = setTimeout(() => address !== location.hash && history.replaceState(null, "", address), REST);
  },
};
