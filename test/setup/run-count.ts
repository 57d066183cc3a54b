// How often a property of random cases is tried. `npm test` tries a third of them, since it has eight minutes. CI and
// whoever runs one file try all.

/** `scripts/test.ts` sets it, unless it runs with `--all`. */
export const isShort = process.env.SHORT_RUNS === "1";

export function runCount(all: number): number {
  return isShort ? Math.ceil(all / 3) : all;
}
