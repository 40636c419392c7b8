/** Colours of numbers: blue above 0 and orange below for states, green for gates from 0 to 1. */

export function stateColor(x: number, most = 1): string {
  const share = Math.round(78 * Math.min(1, Math.abs(x) / most));
  return `color-mix(in oklab, var(${x < 0 ? "--minus" : "--plus"}) ${share}%, var(--zero))`;
}

export function gateColor(x: number): string {
  return `color-mix(in oklab, var(--open) ${Math.round(78 * Math.min(1, Math.max(0, x)))}%, var(--zero))`;
}
