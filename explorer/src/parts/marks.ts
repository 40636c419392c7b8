/** Lines of a chart, and the markers that tell them apart without colour. */

import {
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  type SymbolType,
} from "d3-shape";

export interface Series {
  name: string;
  color: string;
  dash: string;
  marker: string;
  points: readonly (readonly [number, number])[];
}

const MARKERS: Record<string, SymbolType> = {
  circle: symbolCircle,
  cross: symbolCross,
  diamond: symbolDiamond,
  square: symbolSquare,
  star: symbolStar,
  triangle: symbolTriangle,
};

export function path(marker: string, size = 52): string {
  return symbol(MARKERS[marker], size)() ?? "";
}
