// A program may say more than a terminal can draw. What is beyond a bound is left out, with a word on how much; the terminal
// stays alive, and the program can be interrupted.
export interface Drawn {
  write(data: string | Uint8Array, callback?: () => void): void;
}

const mostWaiting = 4 * 1024 * 1024;

export function writeBounded(terminal: Drawn, most = mostWaiting): (bytes: Uint8Array) => void {
  let waiting = 0;
  let omitted = 0;
  return (bytes) => {
    if (waiting + bytes.length > most) {
      omitted += bytes.length;
      return;
    }
    if (omitted > 0) {
      terminal.write(`\x1b[0m\r\n[… ${omitted} bytes …]\r\n`);
      omitted = 0;
    }
    waiting += bytes.length;
    terminal.write(bytes, () => {
      waiting -= bytes.length;
    });
  };
}
