// The messages that wait on a thread, as its server has them. No stream reports them before a run takes them, so they
// are requested: when the thread is read, when a run has ended, and when somebody comes back or another tab has sent
// something.
import type { WaitingMessage } from "../../protocol/inbox.ts";
import { type Api, ApiError } from "../client/api.ts";
import { textOf } from "../client/restore.ts";
import { giveBack } from "./drafts.ts";
import { describeProblem } from "./problem.ts";
import { isBusy, type ThreadView, type Waiting, withChanged, withInbox, withoutWaiting } from "./thread-view.ts";
import { notifyTabs } from "./wake.ts";
import { defineWords, wordsNow } from "./words.ts";

export async function readInbox(api: Pick<Api, "listInbox">, thread: string): Promise<Waiting[]> {
  const { data } = await api.listInbox(thread);
  return data.map(readWaiting);
}

function readWaiting({ message_id, invocation_id, on_busy, content, is_cut }: WaitingMessage): Waiting {
  return {
    id: message_id,
    text: textOf(content) + (is_cut ? "…" : ""),
    mode: on_busy,
    run: invocation_id,
    isSent: true,
    isCut: is_cut || typeof content !== "string",
  };
}

type ViewEdit = (view: ThreadView) => ThreadView;
type InboxApi = Pick<Api, "listInbox" | "getRun" | "changeWaiting" | "removeWaiting">;

const words = defineWords(
  { taken: "The run had read this message already. Your change is in the field below." },
  { taken: "这条消息已被读取。你的修改已放回下方输入框。" },
);

export class Inbox {
  readonly #api: InboxApi;
  readonly #thread: string;
  readonly #latest: () => ThreadView;
  readonly #change: (edit: ViewEdit) => void;
  /** One request at a time; whoever asks in the meantime asks for one more. */
  #isLooking = false;
  #isDue = false;
  #changes = 0;

  constructor(api: InboxApi, thread: string, view: { latest(): ThreadView }, change: (edit: ViewEdit) => void) {
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

  /** Counts the changes that were made here. */
  get changes(): number {
    return this.#changes;
  }

  /** A message that was taken meanwhile stays as it was, and its new text is given back. */
  edit(id: string, text: string): Promise<void> {
    const onTaken = (): void => {
      giveBack(this.#thread, text);
      this.#change((view) => ({ ...view, problem: { text: wordsNow(words).taken, detail: null } }));
    };
    return this.#ask(() => this.#alter(id, { text }), onTaken);
  }

  sendNow(id: string): Promise<void> {
    return this.#ask(() => this.#alter(id, { now: true }));
  }

  remove(id: string): Promise<void> {
    return this.#ask(async () => {
      await this.#api.removeWaiting(this.#thread, id);
      return (view) => withoutWaiting(view, id);
    });
  }

  async #alter(id: string, change: Parameters<Api["changeWaiting"]>[2]): Promise<ViewEdit> {
    const changed = readWaiting(await this.#api.changeWaiting(this.#thread, id, change));
    return (view) => withChanged(view, changed);
  }

  /** What does not wait any more has been taken, which the next look shows. */
  async #ask(change: () => Promise<ViewEdit>, onTaken = (): void => {}): Promise<void> {
    try {
      const edit = await change();
      this.#changes += 1;
      this.#change(edit);
      notifyTabs(this.#thread);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) onTaken();
      else this.#change((view) => ({ ...view, problem: describeProblem(error) }));
    }
    this.look();
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
    const changes = this.#changes;
    const waited = this.#latest().waiting.filter(({ isSent }) => isSent);
    const inbox = await readInbox(this.#api, this.#thread);
    const missing = waited.filter(({ id }) => !inbox.some((message) => message.id === id));
    const over = await Promise.all(missing.map(({ run }) => this.#isOver(run)));
    const gone = new Set(missing.flatMap(({ id }, place) => (over[place] ? [id] : [])));
    // What was read before a change does not have it; the change asks for another look.
    if (changes === this.#changes) this.#change((view) => withInbox(view, inbox, ({ id }) => gone.has(id)));
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
