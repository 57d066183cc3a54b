/**
 * What the daemon's log makes of a stream, which it reads line by line with a shell's `read`: a line that has not ended
 * is held back until it ends or its stream does, and then ends with a line feed. NUL bytes vanish.
 */

const lineFeed = 0x0a;
/** The daemon's shell holds a line of any length. */
const maxHeldBytes = 16 * 1024 * 1024;

export class WholeLines {
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** The lines that are complete now. */
  push(chunk: Buffer): Buffer {
    const bytes = withoutNul(chunk);
    const end = bytes.lastIndexOf(lineFeed) + 1;
    if (end === 0 && this.#heldBytes + bytes.length <= maxHeldBytes) {
      this.#hold(bytes);
      return Buffer.alloc(0);
    }
    const whole = Buffer.concat([...this.#held, end === 0 ? bytes : bytes.subarray(0, end)]);
    this.#held = [];
    this.#heldBytes = 0;
    if (end > 0) this.#hold(bytes.subarray(end));
    return whole;
  }

  end(): Buffer {
    return this.#heldBytes === 0 ? Buffer.alloc(0) : Buffer.concat([...this.#held.splice(0), Buffer.from("\n")]);
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    // Copied: a few bytes would keep a large buffer.
    this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
  }
}

function withoutNul(bytes: Buffer): Buffer {
  return bytes.includes(0) ? Buffer.from(bytes.filter((byte) => byte !== 0)) : bytes;
}
