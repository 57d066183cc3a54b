// Does several pieces of work at the same time.

const SIDE_BY_SIDE = 4;

/** All have ended when this settles, also if one has failed. */
export async function sideBySide<Piece>(pieces: Piece[], work: (piece: Piece) => Promise<void>): Promise<void> {
  const queue = [...pieces];
  const takeOne = async (): Promise<void> => {
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) await work(piece);
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(SIDE_BY_SIDE, pieces.length) }, takeOne));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
