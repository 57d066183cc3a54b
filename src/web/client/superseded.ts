// What is left of a conversation when messages of it are superseded.

/** The items up to the last one that is still `held`, with what belongs to its turn and is no message. */
export function withoutSuperseded<Item extends { kind: string; id: string }>(items: Item[], held: Set<string>): Item[] {
  const last = items.findLastIndex(({ id }) => held.has(id));
  // How a run ended, and its last word, are no messages: behind a reply they stay, and behind a question they go.
  const isAsked = items[last]?.kind === "user";
  const next = isAsked ? last + 1 : items.findIndex(({ kind }, place) => place > last && kind === "user");
  return next < 0 ? items : items.slice(0, next);
}
