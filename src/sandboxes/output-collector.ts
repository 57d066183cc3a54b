// Keeps the head and the tail of an output of any length in a fixed amount of memory, cut between characters.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: false });

/** Text is encoded in pieces: encoding many megabytes at once would need as much memory again. */
const PIECE_CHARACTERS = 64 * 1024;

export interface CollectedOutput {
  output: string;
  omitted_bytes: number;
}

export class OutputCollector {
  readonly #head: Uint8Array;
  /** A ring buffer: byte number `n` after the head is at `n % length`. */
  readonly #tail: Uint8Array;
  #total = 0;

  constructor(limit_bytes: number) {
    this.#head = new Uint8Array(Math.ceil(limit_bytes / 2));
    this.#tail = new Uint8Array(Math.floor(limit_bytes / 2));
  }

  push(text: string): void {
    for (let start = 0; start < text.length; ) {
      const end = endPiece(text, start);
      this.#pushBytes(encoder.encode(text.slice(start, end)));
      start = end;
    }
  }

  #pushBytes(bytes: Uint8Array): void {
    const room = Math.max(0, this.#head.length - this.#total);
    if (room > 0) this.#head.set(bytes.subarray(0, room), this.#total);
    const rest = bytes.subarray(room);
    const capacity = this.#tail.length;
    let position = Math.max(0, this.#total - this.#head.length);
    this.#total += bytes.length;
    // Only the end of a piece longer than the ring can stay.
    const skipped = Math.max(0, rest.length - capacity);
    position += skipped;
    for (let start = skipped; start < rest.length; ) {
      const place = position % capacity;
      const piece = rest.subarray(start, start + capacity - place);
      this.#tail.set(piece, place);
      position += piece.length;
      start += piece.length;
    }
  }

  /** The output so far, with a line that says so if its middle is missing. */
  read(): CollectedOutput {
    const headLength = Math.min(this.#total, this.#head.length);
    const behind = this.#total - headLength;
    const tail = this.#readTail(behind);
    if (behind <= this.#tail.length) {
      const whole = new Uint8Array(headLength + tail.length);
      whole.set(this.#head.subarray(0, headLength));
      whole.set(tail, headLength);
      return { output: decoder.decode(whole), omitted_bytes: 0 };
    }
    const head = this.#head.subarray(0, endBetweenCharacters(this.#head));
    const cutTail = tail.subarray(startBetweenCharacters(tail));
    const omitted_bytes = this.#total - head.length - cutTail.length;
    const output = `${decoder.decode(head)}\n[… ${omitted_bytes} bytes left out …]\n${decoder.decode(cutTail)}`;
    return { output, omitted_bytes };
  }

  #readTail(behind: number): Uint8Array {
    const capacity = this.#tail.length;
    if (behind <= capacity) return this.#tail.slice(0, behind);
    const split = behind % capacity;
    const ordered = new Uint8Array(capacity);
    ordered.set(this.#tail.subarray(split));
    ordered.set(this.#tail.subarray(0, split), capacity - split);
    return ordered;
  }
}

function endPiece(text: string, start: number): number {
  const end = Math.min(text.length, start + PIECE_CHARACTERS);
  const last = text.charCodeAt(end - 1);
  const splitsPair = end < text.length && last >= 0xd800 && last <= 0xdbff;
  return splitsPair ? end + 1 : end;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function startBetweenCharacters(bytes: Uint8Array): number {
  let start = 0;
  while (start < bytes.length && isContinuation(bytes[start])) start++;
  return start;
}

/** The end of the last whole character. */
function endBetweenCharacters(bytes: Uint8Array): number {
  let lead = bytes.length - 1;
  while (lead >= 0 && isContinuation(bytes[lead])) lead--;
  const first = bytes[lead];
  if (first === undefined) return 0;
  const length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return lead + length <= bytes.length ? bytes.length : lead;
}
