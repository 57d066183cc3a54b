// The streams of the open thread: of one run that is followed to its end, or of the thread, for runs that others start.
// Each continues after the last event seen, so nothing is seen twice or missed.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { Api } from "../client/api.ts";
import { type Followed, type Follower, followRun, type Opening, readFrames, watchSilence } from "../client/follow.ts";

export class ThreadStream {
  readonly #api: Api;
  readonly #thread: string;
  readonly #closing: AbortSignal;
  readonly #follower: Follower;
  #lastId: string | null = null;
  #run: string | null = null;

  constructor(api: Api, thread: string, closing: AbortSignal, follower: Follower) {
    this.#api = api;
    this.#thread = thread;
    this.#closing = closing;
    this.#follower = follower;
  }

  /** The followed run. */
  get run(): string | null {
    return this.#run;
  }

  /** To its end; `turn` where this page begins it. */
  async follow(followed: Followed, turn?: { opening: Opening; withdrawal: AbortSignal }): Promise<void> {
    this.#run = followed.run;
    const { onConnection, onWait } = this.#follower;
    try {
      await followRun(
        this.#api,
        followed,
        { onEvent: this.#hear, ...(onConnection && { onConnection }), ...(onWait && { onWait }) },
        {
          signal: turn ? AbortSignal.any([this.#closing, turn.withdrawal]) : this.#closing,
          patienceMs: Number.MAX_SAFE_INTEGER,
          opening: turn?.opening,
        },
      );
    } finally {
      this.#run = null;
    }
  }

  /**
   * Listens until the server has nothing more to send (returns true), `rest` ends it, or nothing has arrived for long.
   */
  async listen(rest: AbortSignal, onSign: () => void): Promise<boolean> {
    const silence = watchSilence(AbortSignal.any([this.#closing, rest]));
    const sign = (): void => {
      silence.hear();
      onSign();
    };
    try {
      const response = await this.#api.watchThread(this.#thread, this.#lastId, silence.signal);
      await readFrames(response, { onSign: sign, onEvent: this.#hear }, silence.signal);
    } catch (error) {
      if (rest.aborted) return false;
      throw error;
    } finally {
      silence.stop();
    }
    return !silence.signal.aborted;
  }

  readonly #hear = (event: ThreadEvent, id: string | null): void => {
    if (id !== null) this.#lastId = id;
    this.#follower.onEvent(event, id);
  };
}
