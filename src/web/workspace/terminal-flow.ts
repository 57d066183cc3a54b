// A program may write faster than a terminal can draw. Output beyond a limit is dropped with a note on how much, but
// never the last of it, where the prompt is. So the terminal stays responsive and the program can be interrupted.
export interface Drawn {
  write(data: string | Uint8Array, callback?: () => void): void;
}

const maxWaiting = 4 * 1024 * 1024;
const keptAtEnd = 16 * 1024;

export function writeBounded(
  terminal: Drawn,
  { max = maxWaiting, kept = keptAtEnd } = {},
): (bytes: Uint8Array) => void {
  let waiting = 0;
  let left: Uint8Array[] = [];
  let leftBytes = 0;
  let omitted = 0;
  const draw = (bytes: Uint8Array): void => {
    waiting += bytes.length;
    terminal.write(bytes, () => {
      waiting -= bytes.length;
      // All of it is drawn, so there is room for the end of what was dropped.
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
    if (left.length > 0 || waiting + bytes.length > max) leave(bytes);
    else draw(bytes);
  };
}
