/**
 * What the address says after `#`: the view, and its settings where they are not the usual ones, as in
 * `#gradients?length=80&theme=dark`. A link to it shows the same page again.
 */

import { read, write, type Limits, type Value } from "./address";

/** What all views share, and what the address therefore keeps from one view to the next. */
const SHARED = { theme: "auto", size: "normal" };
const SHARED_CHOICES = { theme: ["auto", "light", "dark"], size: ["normal", "large"] };

function parse(hash: string) {
  const [view, query = ""] = hash.replace(/^#\/?/, "").split("?");
  return { view, params: new URLSearchParams(query) };
}

/** `version` counts the addresses that the reader has gone to: a view is made anew for each. */
export const route = $state({ ...parse(location.hash), version: 0 });
export const shared = $state(read(SHARED, SHARED_CHOICES, route.params));

addEventListener("hashchange", () => {
  Object.assign(route, parse(location.hash), { version: route.version + 1 });
  Object.assign(shared, read(SHARED, SHARED_CHOICES, route.params));
});

/** The address of a view. */
export function link(view: string, values: Record<string, Value> = {}, defaults = {}): string {
  const query = [write(values, defaults), write(shared, SHARED)].filter(Boolean).join("&");
  return `#${view}${query && "?"}${query}`;
}

/** The settings of a view, which the address follows; to be called while the view is made. */
export function settings<T extends Record<string, Value>>(view: string, defaults: T, limits: Limits<T> = {}): T {
  const values = $state(read(defaults, limits, route.params));
  $effect(() => {
    const address = link(view, values, defaults);
    if (address !== location.hash) history.replaceState(null, "", address);
  });
  return values;
}
