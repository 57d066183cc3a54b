// Which run each message of a person began, or joined while it worked.

interface Said {
  kind: string;
  id: string;
  text?: string;
  run?: string;
}

/** Notes the run of a person's messages, by their ids. */
export function ofRun<Item extends Said | { kind: string; id: string }>(
  items: Item[],
  ids: string[],
  run: string | null,
): Item[] {
  if (run === null || ids.length === 0) return items;
  return items.map((item) => (item.kind === "user" && ids.includes(item.id) ? { ...item, run } : item));
}

/** All that people said in a run: its request, and the remarks that it read while it worked. Null if there is nothing. */
export function requestOf(items: readonly Said[], run: string | null): string | null {
  const said = items.filter(({ kind }) => kind === "user");
  const own = said.filter((item) => item.run !== undefined && item.run === run);
  const texts = (own.length > 0 ? own : said.slice(-1)).map(({ text }) => text);
  return texts.length === 0 ? null : texts.join("\n\n");
}
