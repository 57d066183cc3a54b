/** Linux takes an argument of 128 KiB, and the script with its words is one. */
const MAX_CHARACTERS = 60_000;

/** Words that belong together stay together, in their order, in parts of which each fits into one request. */
export function splitWords(all: string[][]): string[][][] {
  const parts: string[][][] = [];
  let room = 0;
  for (const words of all) {
    const size = words.reduce((sum, word) => sum + word.length + 3, 0);
    if (size > room) {
      parts.push([]);
      room = MAX_CHARACTERS;
    }
    parts.at(-1)?.push(words);
    room -= size;
  }
  return parts;
}
