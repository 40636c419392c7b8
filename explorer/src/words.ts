/** Text to the vectors of its words, and the small trained models of the Cell view. */

import agreement from "../models/agreement.json";
import bank from "../models/bank.json";
import { makeCell, type Cell, type Kind } from "./engine/cells";
import type { Dense } from "./engine/classifier";
import { fromRows, zeros, type Matrix } from "./engine/matrix";
import { Random } from "./engine/random";

export const LONGEST = 40; // words; a picture of more is of no use

export interface Reading {
  words: string[];
  /** The place of each word in the vocabulary; -1 for an unknown one, whose vector is zeros. */
  ids: number[];
  /** How many words were left out at the end. */
  left: number;
}

export function readWords(text: string, vocabulary: readonly string[]): Reading {
  const all = text.slice(0, 4000).toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
  const words = all.slice(0, LONGEST);
  const left = all.length - words.length;
  return { words, ids: words.map((word) => vocabulary.indexOf(word)), left };
}

/** The vectors of the words, a matrix of one row for each. */
export function vectorsOf(ids: readonly number[], table: readonly number[][]): Matrix[] {
  return ids.map((id) => (id < 0 ? zeros(1, table[0].length) : fromRows([table[id]])));
}

interface CellNumbers {
  kernel: number[][];
  recurrent: number[][] | null;
  bias: number[][];
}

function cellOf(kind: Kind, { kernel, recurrent, bias }: CellNumbers): Cell {
  const columns = { vanilla: 1, irnn: 1, lstm: 4, gru: 3, min_gru: 2 }[kind];
  const cell = makeCell(kind, kernel.length, kernel[0].length / columns, new Random(0));
  cell.weights = {
    kernel: fromRows(kernel),
    recurrent: recurrent && fromRows(recurrent),
    bias: fromRows(bias),
  };
  return cell;
}

function denseOf({ kernel, bias }: { kernel: number[][]; bias: number[][] }): Dense {
  return { kernel: fromRows(kernel), bias: fromRows(bias) };
}

export type Trained = keyof typeof agreement.models;

export const AGREEMENT = {
  vocabulary: agreement.vocabulary,
  classes: agreement.classes,
  model(kind: Trained) {
    const { accuracy, words, cell, dense } = agreement.models[kind];
    return { accuracy, table: words, cell: cellOf(kind, cell), dense: denseOf(dense) };
  },
};

export const SIDES = ["left", "right", "both"] as const;

export const BANK = {
  vocabulary: bank.vocabulary,
  classes: bank.classes,
  accuracy: bank.accuracy,
  table: bank.words,
  forward: cellOf("gru", bank.forward),
  backward: cellOf("gru", bank.backward),
  dense: { left: denseOf(bank.dense.left), right: denseOf(bank.dense.right), both: denseOf(bank.dense.both) },
};
