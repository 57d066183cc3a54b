/** Linux takes arguments of two megabytes together, and the script is one, too. */
const MAX_PATH_CHARACTERS = 60_000;

/** In their order, in parts of which each fits into one request. */
export function splitPaths(paths: string[]): string[][] {
  const parts: string[][] = [];
  let room = 0;
  for (const path of paths) {
    if (path.length > room) {
      parts.push([]);
      room = MAX_PATH_CHARACTERS;
    }
    parts.at(-1)?.push(path);
    room -= path.length;
  }
  return parts;
}
