/**
 * What the address says after `#`: the view, and its settings where they are not the usual ones, as in
 * `#gradients?length=80&theme=dark`. A link to it shows the same page again.
 */

type Value = string | number | boolean;
type Limits<T> = { [K in keyof T]?: readonly [number, number] | readonly Value[] };

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

/** The settings as the address has them; what is missing or impossible is as by default. */
export function read<T extends Record<string, Value>>(
  defaults: T,
  limits: Limits<T>,
  params: URLSearchParams,
): T {
  const result: Record<string, Value> = {};
  for (const [name, usual] of Object.entries(defaults)) {
    const text = params.get(name);
    const value = text === null ? usual : convert(text, usual);
    result[name] = allowed(value, limits[name]) ? value : usual;
  }
  return result as T;
}

function convert(text: string, usual: Value): Value {
  if (typeof usual === "number") return text.trim() === "" ? NaN : Number(text);
  return typeof usual === "boolean" ? text === "1" : text;
}

function allowed(value: Value, limits?: readonly Value[]): boolean {
  if (typeof value === "number" && !Number.isFinite(value)) return false;
  if (!limits) return true;
  if (typeof value === "number" && limits.length === 2 && limits.every((x) => typeof x === "number")) {
    return value >= (limits[0] as number) && value <= (limits[1] as number);
  }
  return limits.includes(value);
}

/** The query of an address with what differs from the defaults. */
export function write(values: Record<string, Value>, defaults: Record<string, Value>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== defaults[name]) params.set(name, typeof value === "boolean" ? (value ? "1" : "0") : String(value));
  }
  return params.toString();
}

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
