/** What cells are called, and how their lines are drawn. */

import type { Kind } from "./engine/cells";

export interface Look {
  name: string;
  color: string;
  dash: string;
  marker: string;
}

export const LOOKS: Record<Kind | "attention", Look> = {
  vanilla: { name: "vanilla", color: "var(--blue)", dash: "", marker: "circle" },
  irnn: { name: "IRNN", color: "var(--sky)", dash: "2 4", marker: "cross" },
  lstm: { name: "LSTM", color: "var(--vermillion)", dash: "", marker: "square" },
  gru: { name: "GRU", color: "var(--green)", dash: "8 3", marker: "triangle" },
  min_gru: { name: "MinGRU", color: "var(--pink)", dash: "8 3 2 3", marker: "diamond" },
  attention: { name: "attention", color: "var(--orange)", dash: "4 2", marker: "star" },
};
