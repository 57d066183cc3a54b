// Programs that run at the same time print one after the other. The first speaker that is not at its end prints at once;
// what others say is held until it is their turn.

export interface Speaker {
  say(text: string): void;
  /** Nothing more comes. The next speaker's turn begins. */
  end(): void;
}

/** Returns what makes a speaker. Speakers print in the order in which they are made. */
export function takeTurns(write: (text: string) => void): () => Speaker {
  const queue: { held: string; isOver: boolean }[] = [];
  const print = (): void => {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      if (first.held !== "") write(first.held);
      first.held = "";
      if (!first.isOver) return;
      queue.shift();
    }
  };
  return () => {
    const own = { held: "", isOver: false };
    queue.push(own);
    return {
      say: (text) => {
        own.held += text;
        print();
      },
      end: () => {
        own.isOver = true;
        print();
      },
    };
  };
}
