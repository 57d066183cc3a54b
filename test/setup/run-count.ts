// How often a property of random cases is tried. `npm test` tries a sixth of them, since it has eight minutes. CI and
// whoever runs one file try all.

/** `scripts/test.ts` sets it, unless it runs with `--all`. */
export const isShort = process.env.SHORT_RUNS === "1";

export function runCount(all: number): number {
  return isShort ? Math.ceil(all / 6) : all;
}

/** Of places in a text or a stream that are tried one after the other, `npm test` tries every third. */
export const stride = isShort ? 3 : 1;
