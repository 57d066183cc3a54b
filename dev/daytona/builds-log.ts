/**
 * The bounded log of a build: in memory during the build so that readers can follow it, in a file afterwards.
 */
import { readFile, writeFile } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";

/** The limit of one build's log; later output is dropped. */
const maxLogBytes = 1024 * 1024;
/** Limits the file as well, since it is read as a whole. */
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

  /** Yields what exists, then what is added, until the log ends or the reader leaves. */
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

/** The logs of all builds, by the folder in which each is built. */
export class BuildLogs {
  readonly #open = new Map<string, BuildLog>();

  /** Called as soon as a build is promised, so that followers can wait for it to begin. */
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
