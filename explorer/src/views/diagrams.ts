/**
 * Where the parts of a cell stand in its picture, 440 units wide: the word comes in at the bottom,
 * the output leaves at the top, the state goes from left to right.
 */

import type { Kind } from "../engine/cells";

export interface Box {
  /** The name of what is computed here, among the values of a step. */
  name: string;
  x: number;
  y: number;
  label: string;
  gate: boolean;
}

export interface Diagram {
  height: number;
  boxes: Box[];
  /** Products, sums and functions of a number at a time. */
  operations: { x: number; y: number; sign: string }[];
  /** Lines with an arrow at the end, as the `d` of a path. */
  arrows: string[];
  lines: string[];
  /** Vectors: the x and y of the middle of the strip. */
  strips: { name: string; x: number; y: number; label: string }[];
}

const WIDTH = 440;
const BUS = 328;

const INPUT = [{ name: "x", x: 220, y: 408, label: "x" }];

const lstm: Diagram = {
  height: 440,
  boxes: [
    { name: "forget", x: 70, y: 258, label: "f", gate: true },
    { name: "input", x: 170, y: 258, label: "i", gate: true },
    { name: "candidate", x: 270, y: 258, label: "g", gate: false },
    { name: "output", x: 370, y: 258, label: "o", gate: true },
  ],
  operations: [
    { x: 70, y: 120, sign: "\u00d7" },
    { x: 220, y: 120, sign: "+" },
    { x: 220, y: 182, sign: "\u00d7" },
    { x: 300, y: 76, sign: "tanh" },
    { x: 370, y: 76, sign: "\u00d7" },
  ],
  lines: [
    `M0 ${BUS} H370`, "M220 390 V328",
    "M170 232 V182 H208", "M270 232 V182 H232", "M300 120 V90",
  ],
  arrows: [
    "M0 120 H58", "M82 120 H208", `M232 120 H${WIDTH}`, "M220 170 V132", "M70 228 V132",
    `M70 ${BUS} V288`, `M170 ${BUS} V288`, `M270 ${BUS} V288`, `M370 ${BUS} V288`,
    "M324 76 H358", "M370 228 V88", "M382 76 H440", "M370 64 V42",
  ],
  strips: [
    ...INPUT,
    { name: "h before", x: 52, y: 352, label: "h before" },
    { name: "c before", x: 52, y: 96, label: "c before" },
    { name: "c", x: 220, y: 84, label: "c" },
    { name: "h", x: 370, y: 26, label: "h" },
  ],
};

const gru: Diagram = {
  height: 440,
  boxes: [
    { name: "reset", x: 70, y: 258, label: "r", gate: true },
    { name: "update", x: 180, y: 258, label: "z", gate: true },
    { name: "candidate", x: 360, y: 258, label: "n", gate: false },
  ],
  operations: [
    { x: 180, y: 110, sign: "\u00d7" },
    { x: 360, y: 110, sign: "+" },
    { x: 262, y: 172, sign: "1\u2212z" },
    { x: 360, y: 172, sign: "\u00d7" },
    { x: 270, y: 258, sign: "\u00d7" },
  ],
  lines: [`M0 ${BUS} H360`, "M220 390 V328", "M24 328 V110", "M70 232 V208 H270", "M180 172 H236", "M400 110 V48"],
  arrows: [
    "M24 110 H168", "M192 110 H348", `M372 110 H${WIDTH}`, "M180 228 V122", "M286 172 H348",
    "M360 228 V184", "M360 160 V122", `M70 ${BUS} V288`, `M180 ${BUS} V288`, `M270 ${BUS} V270`,
    "M270 208 V246", "M282 258 H330", `M360 ${BUS} V288`, "M400 60 V42",
  ],
  strips: [
    ...INPUT,
    { name: "h before", x: 72, y: 352, label: "h before" },
    { name: "h", x: 390, y: 26, label: "h" },
  ],
};

const minGru: Diagram = {
  height: 440,
  boxes: [
    { name: "update", x: 150, y: 258, label: "z", gate: true },
    { name: "candidate", x: 320, y: 258, label: "n", gate: false },
  ],
  operations: [
    { x: 150, y: 110, sign: "\u00d7" },
    { x: 150, y: 172, sign: "1\u2212z" },
    { x: 320, y: 110, sign: "+" },
    { x: 320, y: 182, sign: "\u00d7" },
  ],
  lines: [`M150 ${BUS} H320`, "M220 390 V328", "M150 208 H236 V182"],
  arrows: [
    "M0 110 H138", "M162 110 H308", `M332 110 H${WIDTH}`, "M150 228 V186", "M150 158 V122",
    "M236 182 H308", "M320 228 V194", "M320 170 V122", `M150 ${BUS} V288`, `M320 ${BUS} V288`, "M390 110 V42",
  ],
  strips: [
    ...INPUT,
    { name: "h before", x: 52, y: 86, label: "h before" },
    { name: "h", x: 390, y: 26, label: "h" },
  ],
};

const vanilla: Diagram = {
  height: 400,
  boxes: [{ name: "candidate", x: 220, y: 218, label: "tanh", gate: false }],
  operations: [],
  lines: [`M0 288 H220`, "M220 350 V288"],
  arrows: ["M220 288 V248", "M220 188 V48", `M220 110 H${WIDTH}`],
  strips: [
    { ...INPUT[0], y: 368 },
    { name: "h before", x: 52, y: 312, label: "h before" },
    { name: "h", x: 220, y: 30, label: "h" },
  ],
};

export const DIAGRAMS: Record<Exclude<Kind, "irnn">, Diagram> = { vanilla, lstm, gru, min_gru: minGru };
