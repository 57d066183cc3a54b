// Patterns of models' names: `*` stands for any text, also with slashes. Case counts.

/**
 * Gateways take several models in one name (`gpt-5,claude-opus-5`: Helicone, LiteLLM), of which a pattern would have
 * seen one. So a star stands for no comma: such a name fits itself alone.
 */
export function matchesName(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined || name.includes(",")) return name === pattern;
  const end = name.length - last.length;
  if (!name.startsWith(first) || end < first.length || !name.endsWith(last)) return false;
  // The earliest place of each piece leaves the most room for those after it. Each is looked at once.
  let from = first.length;
  for (const piece of rest) {
    const at = name.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return from <= end;
}

/** How much of the name a pattern says. */
export function literalLength(pattern: string): number {
  return pattern.replaceAll("*", "").length;
}
