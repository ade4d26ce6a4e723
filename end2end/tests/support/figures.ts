// Figures for the benchmark's table: FIGURES names the file that they go to, a line each. Without
// it they are printed only.

import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Figure {
  what: string;
  against: string;
  unit: string;
  /** Samples: the table has their median and quartiles. */
  ours: number[];
  theirs: number[];
  /** Ours is at most so many times theirs, or at most so much. */
  atMost?: { times: number } | { value: number };
  remark?: string;
}

export function note(figure: Figure): void {
  const { what, against, unit, ours, theirs } = figure;
  const of = (samples: number[]) => (samples.length > 0 ? median(samples).toPrecision(3) : '–');
  console.log(`${what}: ${of(ours)} ${unit}, ${against}: ${of(theirs)}`);
  const file = process.env.FIGURES;
  if (!file) return;
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, JSON.stringify(figure) + '\n');
}

export function median(samples: number[]): number {
  return quantile(samples, 0.5);
}

export function quantile(samples: number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.round(part * (sorted.length - 1))];
}
