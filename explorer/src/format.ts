/** Numbers as they are shown. */

const MINUS = "\u2212";

/** Two decimals, with a real minus sign; no minus before a zero. */
export function fixed(x: number, digits = 2): string {
  const text = Math.abs(x).toFixed(digits);
  return x < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** So many significant digits, as a power of ten where the number is very small or large. */
export function short(x: number, digits = 2): string {
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return x > 0 ? "\u221e" : "\u2013";
  const size = Math.abs(x);
  if (size >= 0.01 && size < 1000) return plain(x, digits);
  const [front, power] = x.toExponential(digits - 1).split("e");
  return `${front.replace("-", MINUS)}\u00d710${superscript(Number(power))}`;
}

/** 0.0123, 4.50, 123: never as a power of ten. */
function plain(x: number, digits: number): string {
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(x))));
  return x.toFixed(places).replace("-", MINUS);
}

export function superscript(power: number): string {
  const digits = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
  return (power < 0 ? "\u207b" : "") + [...String(Math.abs(power))].map((d) => digits[Number(d)]).join("");
}

export function percent(x: number): string {
  return `${Math.round(100 * x)}\u2009%`;
}

/** 12,345 */
export function grouped(x: number): string {
  return Math.round(x).toLocaleString("en-US");
}

export function bytes(x: number): string {
  return x < 1e6 ? `${Math.max(1, Math.round(x / 1e3))} kB` : `${(x / 1e6).toFixed(1)} MB`;
}
