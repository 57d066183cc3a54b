/**
 * What a build says: bounded, in memory while it is built so that readers can follow it, in a file afterwards.
 */
import { readFile, writeFile } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";

/** Of one build; what comes after it is dropped. */
const maxLogBytes = 1024 * 1024;
/** Of the file too: it is read as a whole. */
const cutNotice = "\n[the log beyond 1 MiB is not kept]\n";

export class BuildLog {
  readonly #decoder = new StringDecoder("utf8");
  #text = "";
  #bytes = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  write(piece: string | Buffer): void {
    if (this.#ended || this.#bytes > maxLogBytes) return;
    this.#bytes += Buffer.byteLength(piece);
    this.#text += typeof piece === "string" ? piece : this.#decoder.write(piece);
    if (this.#bytes > maxLogBytes) this.#text = this.#text.slice(0, maxLogBytes) + cutNotice;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  get text(): string {
    return this.#text;
  }

  /** What there is, then what comes, until it ends or the reader goes. */
  async *follow(gone: AbortSignal): AsyncGenerator<string> {
    const left = new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve(), { once: true }));
    for (let read = 0; !gone.aborted; ) {
      if (read < this.#text.length) {
        const piece = this.#text.slice(read);
        read = this.#text.length;
        yield piece;
      } else if (this.#ended) return;
      else await Promise.race([this.#changed.promise, left]);
    }
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

/** The logs of all builds, by the folder that each is built in. */
export class BuildLogs {
  readonly #open = new Map<string, BuildLog>();

  /** From the moment that a build is promised, so that who follows it waits for its beginning too. */
  begin(path: string): BuildLog {
    const log = this.#open.get(path) ?? new BuildLog();
    this.#open.set(path, log);
    return log;
  }

  async finish(path: string): Promise<void> {
    const log = this.#open.get(path);
    if (!log) return;
    log.end();
    await writeFile(path, log.text, { mode: 0o600 }).catch(() => undefined);
    this.#open.delete(path);
  }

  async *read(path: string, follow: boolean, gone: AbortSignal): AsyncGenerator<string> {
    const log = this.#open.get(path);
    if (!log) yield await readFile(path, "utf8").catch(() => "");
    else if (follow) yield* log.follow(gone);
    else yield log.text;
  }
}
