// The person's threads, newest first, page by page, with the state of each. Read when the page opens, when somebody
// comes back to it and after an event that changes it; never by a timer.
import type { LastRun, Thread, ThreadWithRun } from "../../protocol/thread.ts";
import { type Api, ApiError, pathOf } from "../client/api.ts";
import { describeProblem, type Problem } from "./problem.ts";
import { Store } from "./store.ts";
import { notifyTabs, onWake } from "./wake.ts";

export interface ThreadListView {
  phase: "loading" | "ready";
  threads: ThreadWithRun[];
  next_cursor: string | null;
  /** Whether older ones are being read. */
  isReadingMore: boolean;
  problem: Problem | null;
}

const empty: ThreadListView = {
  phase: "loading",
  threads: [],
  next_cursor: null,
  isReadingMore: false,
  problem: null,
};

/** As many as fit on a screen, and some more. */
const pageSize = 50;
/** The largest page that the server returns, for reading all of them. */
const largestPage = 200;

export class ThreadList {
  readonly view = new Store<ThreadListView>(empty);
  readonly #api: Api;
  readonly #onUnauthorized: () => void;
  /** One read at a time; whoever asks in the meantime asks for one more. */
  #reading: Promise<void> | null = null;
  #isDue = false;
  #readingMore: Promise<boolean> | null = null;
  /**
   * What was changed here since a read began, `null` for a removed thread, and what was made, newest first: a page that
   * arrives later may have been listed before.
   */
  readonly #changed = new Map<string, Partial<ThreadWithRun> | null>();
  #made: ThreadWithRun[] = [];
  /** Projects that were deleted with their threads. */
  readonly #gone = new Set<string>();
  /** The newest run of each thread that was open here. */
  readonly #heard = new Map<string, LastRun>();

  constructor(api: Api, onUnauthorized: () => void) {
    this.#api = api;
    this.#onUnauthorized = onUnauthorized;
  }

  /** Returns its cleanup. */
  follow(): () => void {
    this.refresh();
    return onWake(() => this.refresh());
  }

  refresh(): void {
    if (this.#reading !== null) {
      this.#isDue = true;
      return;
    }
    this.#isDue = false;
    if (this.#readingMore === null) this.#forgetChanges();
    this.#reading = this.#read().finally(() => {
      this.#reading = null;
      if (this.#isDue) this.refresh();
    });
  }

  /**
   * False where there was no older page, or the read failed. One at a time: whoever asks in the meantime waits for that
   * one.
   */
  more(size = pageSize): Promise<boolean> {
    const { next_cursor } = this.view.get();
    if (next_cursor === null) return Promise.resolve(false);
    if (this.#reading === null && this.#readingMore === null) this.#forgetChanges();
    this.#readingMore ??= this.#readMore(next_cursor, size).finally(() => {
      this.#readingMore = null;
    });
    return this.#readingMore;
  }

  /** Reads up to the last page, because a search or a project filter covers all threads. */
  async all(): Promise<void> {
    while (await this.more(largestPage)) {
      // One page after the other.
    }
  }

  /** A conversation that is listed before its first message, because its project or its agent has been chosen. */
  async create(thread_id: string, chosen: { project_id?: string; agent_id?: string }): Promise<boolean> {
    return this.#attempt(async () => {
      const made = await this.#api.send<Thread>("POST", "/v1/threads", { thread_id, ...chosen });
      this.#made.unshift({ ...made, last_run: null });
      this.#changed.delete(thread_id);
      this.#showChanges();
      notifyTabs(null);
    });
  }

  /** As chosen; the thread may already exist in its project. */
  async begin(thread_id: string, chosen: { project_id: string | null; agent_id: string | null }): Promise<boolean> {
    const { project_id, agent_id } = chosen;
    const agent = agent_id === null ? {} : { agent_id };
    const known = this.view.get().threads.find((thread) => thread.thread_id === thread_id);
    if (!known) return this.create(thread_id, { ...(project_id === null ? {} : { project_id }), ...agent });
    const isSame = agent_id === null || agent_id === known.agent_id;
    return isSame || this.#attempt(() => this.#api.send("PATCH", pathOf(thread_id), agent));
  }

  /**
   * A message was sent on a thread. A thread that is not listed, or has no name, is read by itself first: the list
   * comes from D1, which follows a new thread a little later unless the thread is requested.
   */
  hearOf(thread: string): void {
    if (this.view.get().threads.some(({ thread_id, title }) => thread_id === thread && title !== null)) return;
    const look = (): void => {
      this.refresh();
      notifyTabs(null);
    };
    void this.#api.get(pathOf(thread)).then(look, look);
  }

  /** The state of the open thread's newest run, from its stream: the list may get it later. */
  hear(thread: string, last_run: LastRun): void {
    this.#heard.set(thread, last_run);
    this.view.change((view) => {
      const row = view.threads.find(({ thread_id }) => thread_id === thread);
      const known = row?.last_run;
      if (!row || (known?.invocation_id === last_run.invocation_id && known.status === last_run.status)) return view;
      return {
        ...view,
        threads: view.threads.map((each) => (each.thread_id === thread ? { ...each, last_run } : each)),
      };
    });
  }

  rename(thread: string, title: string): Promise<boolean> {
    return this.#attempt(async () => {
      this.#changed.set(thread, await this.#api.send<Thread>("PATCH", pathOf(thread), { title }));
      this.#showChanges();
      notifyTabs(null);
    });
  }

  remove(thread: string): Promise<boolean> {
    return this.#attempt(async () => {
      await this.#api.send("DELETE", pathOf(thread));
      this.#changed.set(thread, null);
      this.#showChanges();
      notifyTabs(null);
    });
  }

  /** Removes what was deleted with its project. */
  forgetProject(project: string): void {
    this.#gone.add(project);
    this.#showChanges();
    notifyTabs(null);
  }

  dismissProblem(): void {
    this.view.change((view) => ({ ...view, problem: null }));
  }

  #list(cursor: string | null, size = pageSize): Promise<{ data: ThreadWithRun[]; next_cursor: string | null }> {
    const after = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    return this.#api.get(`/v1/threads?limit=${size}${after}`);
  }

  async #readMore(cursor: string, size: number): Promise<boolean> {
    this.view.change((view) => ({ ...view, isReadingMore: true }));
    const done = await this.#attempt(async () => {
      const page = await this.#list(cursor, size);
      this.view.change((view) => ({
        ...view,
        threads: this.#withChanges(merge(view.threads, page.data)),
        next_cursor: page.next_cursor,
      }));
    });
    this.view.change((view) => ({ ...view, isReadingMore: false }));
    return done;
  }

  async #read(): Promise<void> {
    await this.#attempt(async () => {
      const page = await this.#list(null);
      // Older pages stay, for whoever has scrolled there.
      this.view.change((view) => {
        const isMore = view.threads.length > page.data.length;
        const oldest = page.data.at(-1)?.created_at ?? "";
        const older = isMore ? view.threads.filter(({ created_at }) => created_at < oldest) : [];
        return {
          ...view,
          phase: "ready",
          problem: null,
          threads: this.#withChanges([...page.data, ...older]),
          next_cursor: isMore ? view.next_cursor : page.next_cursor,
        };
      });
    });
  }

  #forgetChanges(): void {
    this.#changed.clear();
    this.#made = [];
  }

  #showChanges(): void {
    this.view.change((view) => ({ ...view, threads: this.#withChanges(view.threads) }));
  }

  /** Rows without a change stay the same objects. */
  #withChanges(rows: ThreadWithRun[]): ThreadWithRun[] {
    return merge(rows, this.#made, { isFirst: true }).flatMap((row) => {
      const changed = this.#changed.get(row.thread_id);
      if (changed === null || this.#gone.has(row.project_id)) return [];
      const last_run = newerOf(row.last_run, this.#heard.get(row.thread_id));
      return changed === undefined && last_run === row.last_run ? [row] : [{ ...row, ...changed, last_run }];
    });
  }

  async #attempt(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#onUnauthorized();
      this.view.change((view) => ({ ...view, phase: "ready", problem: describeProblem(error) }));
      return false;
    }
  }
}

function merge(known: ThreadWithRun[], more: ThreadWithRun[], { isFirst = false } = {}): ThreadWithRun[] {
  const ids = new Set(known.map(({ thread_id }) => thread_id));
  const added = more.filter(({ thread_id }) => !ids.has(thread_id));
  return isFirst ? [...added, ...known] : [...known, ...added];
}

/** The list comes from D1, which may hear later than the run's stream that a run has ended. */
function newerOf(listed: LastRun | null, heard: LastRun | undefined): LastRun | null {
  const isSame = heard !== undefined && listed?.invocation_id === heard.invocation_id;
  return isSame && (listed.status === "queued" || listed.status === "running") ? heard : listed;
}
