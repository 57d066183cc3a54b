// The open thread: what was said, what is being done, and what a person can do about it.
import type { MessageRow } from "../protocol/message.ts";
import type { Run } from "../protocol/run.ts";
import type { PlanView } from "../protocol/task.ts";
import type { InterruptAnswer } from "../protocol/thread.ts";
import { type Api, ApiError } from "./client/api.ts";
import { advance, type Conversation, emptyConversation } from "./client/conversation.ts";
import { type Followed, followRun } from "./client/follow.ts";
import { newId } from "./client/ids.ts";
import { restore, withPlan } from "./client/restore.ts";
import { words } from "./words.ts";

export interface ThreadView {
  conversation: Conversation;
  connected: boolean;
  /** Whether a run is being worked on. */
  busy: boolean;
  problem: string | null;
}

export class ThreadSession {
  readonly id: string;
  readonly #api: Api;
  readonly #show: (view: ThreadView) => void;
  readonly #closing = new AbortController();
  #view: ThreadView = { conversation: emptyConversation, connected: true, busy: false, problem: null };
  #run: string | null = null;
  /** One thing after another: what is sent while the thread is still being read waits for that. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(api: Api, id: string, show: (view: ThreadView) => void) {
    this.id = id;
    this.#api = api;
    this.#show = show;
  }

  begin(): void {
    this.#update({});
  }

  open(): Promise<void> {
    return this.#attempt(() => this.#catchUp());
  }

  send(text: string): Promise<void> {
    return this.#attempt(async () => {
      this.#update({ busy: true });
      const id = newId("msg");
      const { conversation } = this.#view;
      const items = [...conversation.items, { kind: "user" as const, id, text }];
      const run = { id: null, state: "waiting" as const, error: null, unfinished: 0 };
      this.#update({ conversation: { ...conversation, items, run, interrupts: [] } });
      await this.#follow({ thread: this.id, run: newId("inv"), begin: { kind: "message", id, text } });
    });
  }

  answer(answers: InterruptAnswer[]): Promise<void> {
    const interrupted = this.#view.conversation.run.id;
    if (interrupted === null) return Promise.resolve();
    return this.#attempt(async () => {
      this.#update({ busy: true });
      const begin = { kind: "answers" as const, interrupted, answers };
      try {
        await this.#follow({ thread: this.id, run: newId("inv"), begin });
      } catch (error) {
        if (!(error instanceof ApiError && error.isAnswered)) throw error;
        // Someone was first, in another window perhaps; what came of it is what this one has to show.
        this.#update({ problem: words.answeredAlready });
        await this.#catchUp();
      }
    });
  }

  /** Its end comes as an event. */
  async stop(): Promise<void> {
    if (this.#run === null) return;
    await this.#api.cancel(this.id, this.#run).catch((error: unknown) => this.#update({ problem: messageOf(error) }));
  }

  close(): void {
    this.#closing.abort();
  }

  /** Shows what there is, and goes on with what runs. The last run is read from its stream, which knows most about it. */
  async #catchUp(): Promise<void> {
    const loaded = await this.#load();
    if (loaded === null) return;
    const { rows, plan, runs } = loaded;
    const active = runs.filter(({ status }) => status === "queued" || status === "running").toReversed();
    const followed = (active.length > 0 ? active : runs.slice(0, 1)).map((run) => run.invocation_id);
    this.#update({ conversation: restore(rows, plan, runs, followed), busy: active.length > 0 });
    for (const run of followed) await this.#follow({ thread: this.id, run, begin: null });
    const now = active.length === 0 ? plan : await this.#api.getPlan(this.id);
    this.#update({ conversation: withPlan(this.#view.conversation, now) });
  }

  async #load(): Promise<Stored | null> {
    try {
      return await load(this.#api, this.id);
    } catch (error) {
      // A link may name a thread that nobody has written to.
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  async #follow(followed: Followed): Promise<void> {
    this.#run = followed.run;
    const follower = {
      onEvent: (event: Parameters<typeof advance>[1]) =>
        this.#update({ conversation: advance(this.#view.conversation, event) }),
      onConnection: (connected: boolean) => this.#update({ connected }),
    };
    // A page that is left open finds its server again whenever that comes back.
    await followRun(this.#api, followed, follower, {
      signal: this.#closing.signal,
      patienceMs: Number.MAX_SAFE_INTEGER,
    });
    this.#run = null;
  }

  #attempt(act: () => Promise<void>): Promise<void> {
    const attempt = this.#last.then(() => this.#perform(act));
    this.#last = attempt.catch(() => {});
    return attempt;
  }

  async #perform(act: () => Promise<void>): Promise<void> {
    this.#update({ problem: null });
    try {
      await act();
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#run = null;
      const { conversation } = this.#view;
      const run = { ...conversation.run, state: "none" as const };
      this.#update({ problem: messageOf(error), conversation: { ...conversation, run } });
      if (error instanceof ApiError && error.status === 401) throw error;
    } finally {
      this.#update({ busy: false, connected: true });
    }
  }

  #update(change: Partial<ThreadView>): void {
    this.#view = { ...this.#view, ...change };
    if (!this.#closing.signal.aborted) this.#show(this.#view);
  }
}

interface Stored {
  rows: MessageRow[];
  plan: PlanView;
  /** Newest first. */
  runs: Run[];
}

async function load(api: Api, thread: string): Promise<Stored> {
  const [rows, plan, { data: runs }] = await Promise.all([
    api.listMessages(thread),
    api.getPlan(thread),
    api.listRuns(thread),
  ]);
  return { rows, plan, runs };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
