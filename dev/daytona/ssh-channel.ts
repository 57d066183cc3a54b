/**
 * The client's end of a shell or command over SSH, with the pace of both sides kept: what the client doesn't take waits
 * in the sandbox, and what the sandbox doesn't take waits at the client.
 */
import type { ServerChannel } from "ssh2";

export class SshChannel {
  readonly #channel: ServerChannel;
  readonly #gone: AbortSignal;

  /** `gone` rather than the library's `close`, which waits until all that the client sent has been read. */
  constructor(channel: ServerChannel, gone: AbortSignal) {
    this.#channel = channel;
    this.#gone = gone;
    channel.on("error", () => {});
    channel.stderr.on("error", () => {});
  }

  /** Resolves when it has been sent, or there is nobody to send it to; one write at a time. */
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

  /** Hands on what the client sends, piece after piece, until it has no more to say or is gone. */
  async feed(take: (data: Buffer) => Promise<void>): Promise<void> {
    const channel = this.#channel;
    // Not with `for await`: that would close the way back at the end of the way in.
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

  /** With the exit code, unless the sandbox has gone and taken it along. */
  end(exitCode: number | undefined): void {
    if (exitCode !== undefined) this.#channel.exit(exitCode);
    this.#channel.end();
    // Whoever still sends would else keep it open.
    this.#channel.resume();
  }
}

/**
 * The library keeps the piece that waited for the client's window after it was sent. When the other stream has to wait it
 * would send that piece again, and break the channel.
 */
function forgetSent(channel: ServerChannel): void {
  Object.assign(channel, { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined });
}
