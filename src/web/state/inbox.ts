// The messages that wait on a thread, as its server has them. No stream reports them before a run takes them, so they
// are requested: when the thread is read, when a run has ended, and when somebody comes back or another tab has sent
// something.
import { type Api, ApiError } from "../client/api.ts";
import { textOf } from "../client/restore.ts";
import { isBusy, type ThreadView, type Waiting, withInbox } from "./thread-view.ts";

export async function readInbox(api: Pick<Api, "listInbox">, thread: string): Promise<Waiting[]> {
  const { data } = await api.listInbox(thread);
  return data.map(({ message_id, invocation_id, on_busy, content, is_cut }) => ({
    id: message_id,
    text: textOf(content) + (is_cut ? "…" : ""),
    mode: on_busy,
    run: invocation_id,
    isSent: true,
  }));
}

export class Inbox {
  readonly #api: Pick<Api, "listInbox" | "getRun">;
  readonly #thread: string;
  readonly #latest: () => ThreadView;
  readonly #change: (edit: (view: ThreadView) => ThreadView) => void;
  /** One request at a time; whoever asks in the meantime asks for one more. */
  #isLooking = false;
  #isDue = false;

  constructor(
    api: Pick<Api, "listInbox" | "getRun">,
    thread: string,
    view: { latest(): ThreadView },
    change: (edit: (view: ThreadView) => ThreadView) => void,
  ) {
    this.#api = api;
    this.#thread = thread;
    this.#latest = () => view.latest();
    this.#change = change;
  }

  /** Requests nothing where nothing can wait. */
  look(): void {
    this.#isDue = true;
    if (!this.#isLooking) void this.#lookWhileDue();
  }

  async #lookWhileDue(): Promise<void> {
    this.#isLooking = true;
    while (this.#isDue) {
      this.#isDue = false;
      // A failed read is made up for when the thread is read, or next time.
      if (mayWait(this.#latest())) await this.#lookOnce().catch(() => {});
    }
    this.#isLooking = false;
  }

  async #lookOnce(): Promise<void> {
    const waited = this.#latest().waiting.filter(({ isSent }) => isSent);
    const inbox = await readInbox(this.#api, this.#thread);
    const missing = waited.filter(({ id }) => !inbox.some((message) => message.id === id));
    const over = await Promise.all(missing.map(({ run }) => this.#isOver(run)));
    const gone = new Set(missing.flatMap(({ id }, place) => (over[place] ? [id] : [])));
    this.#change((view) => withInbox(view, inbox, ({ id }) => gone.has(id)));
  }

  /** A run that has just begun does not count: until its stream brings the message, it would be shown nowhere. */
  async #isOver(run: string): Promise<boolean> {
    try {
      return (await this.#api.getRun(this.#thread, run)).finished_at !== null;
    } catch (error) {
      // Messages that another run took have no run.
      if (error instanceof ApiError && error.status === 404) return true;
      throw error;
    }
  }
}

function mayWait(view: ThreadView): boolean {
  return view.phase === "ready" && (isBusy(view) || view.waiting.length > 0);
}
