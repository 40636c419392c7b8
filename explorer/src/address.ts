/** Settings as the query of an address. */

export type Value = string | number | boolean;
/** The least and the largest of a number; the possible values of a text. */
export type Limits<T> = { [K in keyof T]?: readonly [number, number] | readonly Value[] };

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
