// The Worker's log: a bounded file in the state folder, without secrets, whose end is shown when something fails.
import { closeSync, existsSync, openSync, renameSync, writeSync } from "node:fs";
import type { Readable } from "node:stream";

/** One file of this size and one before it: days of ordinary use. */
const fileBytes = 4 * 1024 * 1024;
/** A line without an end is cut here. */
const lineCharacters = 64 * 1024;
const tailLines = 20;
/** A terminal's colour sequences. */
const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

export class Log {
  readonly path: string;
  #secrets: string[] = [];
  #file: number | null = null;
  #bytes = 0;
  #tail: string[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** Programs may run before the secrets are known: their last lines are written now. */
  open(secrets: string[]): void {
    this.#secrets = inOrder([...this.#secrets, ...secrets]);
    // The former start's log is kept: it may contain why that start ended.
    if (existsSync(this.path)) renameSync(this.path, `${this.path}.1`);
    this.#file = openSync(this.path, "w", 0o600);
    this.#tail = this.#tail.map((line) => this.#clean(line));
    for (const line of this.#tail) this.#write(this.#file, line);
  }

  /** One more secret. */
  hide(secret: string): void {
    this.#secrets = inOrder([...this.#secrets, secret]);
  }

  follow(source: Readable): void {
    let rest = "";
    source.setEncoding("utf8");
    source.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > lineCharacters) rest = "";
      for (const line of lines) this.add(line);
    });
    source.on("end", () => {
      if (rest !== "") this.add(rest);
    });
  }

  add(line: string): void {
    const text = this.#clean(line.replace(colours, "")).slice(0, lineCharacters).trimEnd();
    this.#tail = [...this.#tail.slice(1 - tailLines), text];
    if (this.#file !== null) this.#write(this.#file, text);
  }

  #clean(line: string): string {
    return this.#secrets.reduce((text, secret) => text.replaceAll(secret, "[secret]"), line);
  }

  #write(file: number, text: string): void {
    this.#bytes += Buffer.byteLength(text) + 1;
    try {
      writeSync(file, `${text}\n`);
      if (this.#bytes > fileBytes) this.#turn(file);
    } catch {
      // A full disk must not end the server because of its log.
    }
  }

  tail(): string {
    return this.#tail.filter((line) => line !== "").join("\n");
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #turn(file: number): void {
    closeSync(file);
    renameSync(this.path, `${this.path}.1`);
    this.#bytes = 0;
    this.#file = openSync(this.path, "w", 0o600);
  }
}

/** The longest first: one secret may be a part of another. */
function inOrder(secrets: string[]): string[] {
  return secrets.toSorted((one, other) => other.length - one.length);
}
