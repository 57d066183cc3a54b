// Counts a text in a stream of pieces, even where the border of two pieces splits it.

export type Counter = (piece: Buffer) => number;

/** The counter returns how often `text` ends in the piece. */
export function createCounter(text: string): Counter {
  const sought = Buffer.from(text);
  let rest: Buffer = Buffer.alloc(0);
  return (piece) => {
    const whole = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let count = 0;
    let from = 0;
    for (let at = whole.indexOf(sought); at >= 0; at = whole.indexOf(sought, from)) {
      count += 1;
      from = at + sought.length;
    }
    rest = whole.subarray(Math.max(from, whole.length - sought.length + 1));
    return count;
  };
}
