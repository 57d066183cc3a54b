// A program may say more than a terminal can draw. What is beyond a bound is left out, with a word on how much, but never what
// was said last: there the prompt stands. The terminal stays alive, and the program can be interrupted.
export interface Drawn {
  write(data: string | Uint8Array, callback?: () => void): void;
}

const mostWaiting = 4 * 1024 * 1024;
const keptAtEnd = 16 * 1024;

export function writeBounded(
  terminal: Drawn,
  { most = mostWaiting, kept = keptAtEnd } = {},
): (bytes: Uint8Array) => void {
  let waiting = 0;
  let left: Uint8Array[] = [];
  let leftBytes = 0;
  let omitted = 0;
  const draw = (bytes: Uint8Array): void => {
    waiting += bytes.length;
    terminal.write(bytes, () => {
      waiting -= bytes.length;
      // All of it is drawn: there is room for the end of what was not.
      if (waiting === 0) drawLeft();
    });
  };
  const drawLeft = (): void => {
    if (left.length === 0) return;
    const end = left;
    if (omitted > 0) terminal.write(`\x1b[0m\r\n[… ${omitted} bytes …]\r\n`);
    left = [];
    leftBytes = 0;
    omitted = 0;
    for (const bytes of end) draw(bytes);
  };
  const leave = (bytes: Uint8Array): void => {
    left.push(bytes);
    leftBytes += bytes.length;
    let [first] = left;
    while (first && leftBytes - first.length >= kept) {
      left.shift();
      leftBytes -= first.length;
      omitted += first.length;
      [first] = left;
    }
  };
  return (bytes) => {
    if (left.length > 0 || waiting + bytes.length > most) leave(bytes);
    else draw(bytes);
  };
}
