// Finds names by a few letters: every typed word must be somewhere in the name. Names that begin with the text come
// first, then those in which a word does.

export function findByName<T>(rows: readonly T[], typed: string, nameOf: (row: T) => string): T[] {
  const wanted = fold(typed);
  if (wanted === "") return [...rows];
  const parts = wanted.split(/\s+/);
  return rows
    .map((row) => ({ row, name: fold(nameOf(row)) }))
    .filter(({ name }) => parts.every((part) => name.includes(part)))
    .map(({ row, name }) => ({ row, rank: rankOf(name, wanted) }))
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ row }) => row);
}

function rankOf(name: string, wanted: string): number {
  if (name.startsWith(wanted)) return 0;
  return name.includes(` ${wanted}`) ? 1 : 2;
}

/** Ignores case and accents, which people don't remember. */
function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
}
