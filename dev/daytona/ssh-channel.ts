/**
 * The client's end of a shell or command over SSH, with back-pressure in both directions: data that one side doesn't
 * read yet waits at the other.
 */
import type { ServerChannel } from "ssh2";

export class SshChannel {
  readonly #channel: ServerChannel;
  readonly #gone: AbortSignal;

  /** `gone` rather than the library's `close` event, which waits until all that the client sent has been read. */
  constructor(channel: ServerChannel, gone: AbortSignal) {
    this.#channel = channel;
    this.#gone = gone;
    channel.on("error", () => {});
    channel.stderr.on("error", () => {});
  }

  /** Resolves when the data is sent or the client has gone. One write at a time. */
  write(stream: "stdout" | "stderr", data: Buffer | string): Promise<void> {
    if (this.#gone.aborted) return Promise.resolve();
    const sink = stream === "stderr" ? this.#channel.stderr : this.#channel;
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#gone.removeEventListener("abort", settle);
        forgetSent(this.#channel);
        resolve();
      };
      this.#gone.addEventListener("abort", settle);
      sink.write(data, settle);
    });
  }

  /** Passes on what the client sends, chunk by chunk, until it ends its input or disconnects. */
  async feed(take: (data: Buffer) => Promise<void>): Promise<void> {
    const channel = this.#channel;
    // Not with `for await`: that would close the outgoing direction when the incoming one ends.
    await new Promise<void>((resolve) => {
      channel.on("data", (data: Buffer) => {
        channel.pause();
        void take(data).then(() => channel.resume());
      });
      channel.once("end", resolve);
      this.#gone.addEventListener("abort", () => resolve());
      if (this.#gone.aborted) resolve();
    });
  }

  /** Sends the exit code, unless the sandbox stopped first and there is none. */
  end(exitCode: number | undefined): void {
    if (exitCode !== undefined) this.#channel.exit(exitCode);
    this.#channel.end();
    // A client that still sends would otherwise keep the channel open.
    this.#channel.resume();
  }
}

/**
 * The library keeps a chunk that waited for the client's window even after it was sent. When the other stream has to
 * wait it would send that chunk again and break the channel.
 */
function forgetSent(channel: ServerChannel): void {
  Object.assign(channel, { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined });
}
