/**
 * One pseudo-terminal of a sandbox as the server sees it: a channel to the keeper that carries its bytes.
 */
import { randomUUID } from "node:crypto";
import { type Container, readReply } from "./container.ts";
import type { Channel } from "./keeper/channel.ts";
import { frameKind, parseJson, writeFrame } from "./keeper/frames.ts";

export interface PtySettings {
  /** Empty means the sandbox's working directory. */
  cwd: string;
  variables: Record<string, string>;
  cols: number;
  rows: number;
}

/** Larger than any screen; the real daemon's limit. */
export const maxSide = 1000;

export class PtyProcess {
  readonly #container: Container;
  readonly #channel: Channel;
  readonly #id: string;

  private constructor(container: Container, channel: Channel, id: string) {
    this.#container = container;
    this.#channel = channel;
    this.#id = id;
  }

  /** Output is held back until `follow` is called. */
  static async start(container: Container, settings: PtySettings): Promise<PtyProcess> {
    const id = randomUUID();
    const channel = await container.open("pty", { ...settings, id });
    try {
      readReply(await channel.reader.next());
      return new PtyProcess(container, channel, id);
    } catch (error) {
      channel.socket.destroy();
      throw error;
    }
  }

  /** Passes the output on, chunk by chunk, and resolves with the exit code; undefined when there is none. */
  async follow(take: (output: Buffer) => Promise<void>): Promise<number | undefined> {
    try {
      for (let frame = await this.#channel.reader.next(); frame; frame = await this.#channel.reader.next()) {
        if (frame.kind === frameKind.stdout) await take(frame.payload);
        else if (frame.kind === frameKind.json) return Number(parseJson(frame).exitCode);
      }
    } catch {
      // An invalid frame: the sandbox has tampered with its keeper.
    } finally {
      this.kill();
    }
    return undefined;
  }

  /** Resolves when the terminal accepts more. */
  write(data: Buffer): Promise<void> {
    return writeFrame(this.#channel.socket, frameKind.data, data);
  }

  async resize(cols: number, rows: number): Promise<void> {
    await this.#container.ask("pty-resize", { id: this.#id, cols, rows });
  }

  /** Like a modem that lost its line: processes started with `nohup` continue. */
  hangUp(): void {
    void writeFrame(this.#channel.socket, frameKind.finish, Buffer.alloc(0));
  }

  /** Ends the shell and all that it started. */
  kill(): void {
    this.#channel.socket.destroy();
  }
}
