// Patterns of models' names: `*` stands for any text, also with slashes. Case does not count.

export function matchesName(pattern: string, name: string): boolean {
  const text = name.toLowerCase();
  const [first = "", ...rest] = pattern.toLowerCase().split("*");
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  // The earliest place of each piece leaves the most room for those after it.
  let from = first.length;
  for (const piece of rest) {
    const at = text.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return from <= text.length - last.length;
}

/** How much of the name a pattern says. */
export function literalLength(pattern: string): number {
  return pattern.replaceAll("*", "").length;
}
