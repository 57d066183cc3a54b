// The open thread. One loop does one thing at a time: it reads what is stored, follows a run to its end, sends what a person
// said, or listens to the thread for what others start on it. Each ends with the number of the last event, from which the next
// goes on, so nothing is shown twice or missed. When nothing happens it stops asking, until something wakes it.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { PlanView } from "../../protocol/task.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { type Api, ApiError } from "../client/api.ts";
import { type Followed, followRun, pause, readFrames, watchSilence } from "../client/follow.ts";
import { newId } from "../client/ids.ts";
import { openTurn } from "../client/live-turn.ts";
import { restore, withPlan } from "../client/restore.ts";
import { FrameStore } from "./frame-store.ts";
import { describeProblem } from "./problem.ts";
import { awaitAnswer, hear, isBusy, opening, say, type ThreadView, type Waiting } from "./thread-view.ts";
import { onWake, tellTabs } from "./wake.ts";

/** The waits between attempts to reach the server. */
const [firstRetryMs, longestRetryMs] = [500, 8_000];

type Turn = Followed & { begin: NonNullable<Followed["begin"]> };

export class ThreadStore {
  readonly id: string;
  readonly view: FrameStore<ThreadView>;
  readonly #api: Api;
  readonly #onUnauthorized: () => void;
  readonly #closing = new AbortController();
  readonly #turns: Turn[] = [];
  /** Of the runs that this page has heard of. */
  readonly #seen = new Set<string>();
  #lastId: string | null = null;
  #isStale: boolean;
  #run: string | null = null;
  /** Ends whatever is waited for: a pause, or a stream on which nothing happens. */
  #rest = new AbortController();

  /** `isNew`: nothing is stored of it yet; it begins with its first message. */
  constructor(api: Api, id: string, { isNew, onUnauthorized }: { isNew: boolean; onUnauthorized: () => void }) {
    this.#api = api;
    this.id = id;
    this.#isStale = !isNew;
    this.#onUnauthorized = onUnauthorized;
    this.view = new FrameStore({ ...opening, phase: isNew ? "ready" : "loading" });
    const stop = onWake((thread) => {
      // A stream that is open tells by itself.
      if (this.view.latest().link !== "connected" && (thread === null || thread === id)) this.#wake();
    });
    this.#closing.signal.addEventListener("abort", stop);
    void this.#work(isNew);
  }

  close(): void {
    this.#closing.abort();
    this.#rest.abort();
  }

  send(text: string, mode: Waiting["mode"] = "enqueue"): void {
    const id = newId("msg");
    if (isBusy(this.view.latest())) {
      void this.#sendBeside({ id, text, mode });
      return;
    }
    this.#change((view) => say(view, { id, text }));
    this.#begin({ kind: "message", id, text });
  }

  answer(answers: InterruptAnswer[]): void {
    const interrupted = this.view.latest().conversation.run.id;
    if (interrupted === null) return;
    this.#change(awaitAnswer);
    this.#begin({ kind: "answers", interrupted, answers });
  }

  /** Its end comes as an event. */
  async stop(): Promise<void> {
    const run = this.#run ?? this.view.latest().conversation.run.id;
    if (run !== null) await this.#attempt(() => this.#api.cancel(this.id, run));
  }

  /** Brings a change that this page made itself, or heard of elsewhere. */
  refresh(): void {
    this.#isStale = true;
    this.#wake();
  }

  /** The plan as it was answered to a change: where no run works, nothing else tells of it. */
  takePlan(plan: PlanView): void {
    this.#change((view) => ({ ...view, conversation: withPlan(view.conversation, plan) }));
  }

  dismissProblem(): void {
    this.#change((view) => ({ ...view, problem: null }));
  }

  async #sendBeside(message: Waiting): Promise<void> {
    this.#change((view) => ({ ...view, problem: null, waiting: [...view.waiting, message] }));
    const sent = await this.#attempt(() => this.#api.sendBeside(this.id, newId("inv"), message, message.mode));
    if (!sent) this.#change((view) => ({ ...view, waiting: view.waiting.filter(({ id }) => id !== message.id) }));
    // The run that it was to go beside may have ended meanwhile.
    this.#wake();
    tellTabs(this.id);
  }

  #begin(begin: Turn["begin"]): void {
    this.#turns.push({ thread: this.id, run: newId("inv"), begin });
    this.#wake();
  }

  #wake(): void {
    const rest = this.#rest;
    this.#rest = new AbortController();
    rest.abort();
  }

  async #work(isNew: boolean): Promise<void> {
    if (isNew) await this.#sleep();
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      try {
        await this.#doNext();
        failures = 0;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        if (error instanceof ApiError && !error.isPassing) await this.#giveUp(error);
        else await this.#waitOut(failures++);
      }
    }
  }

  async #doNext(): Promise<void> {
    const turn = this.#turns[0];
    if (this.#isStale) await this.#load();
    else if (turn) await this.#take(turn);
    else await this.#listen();
  }

  async #giveUp(error: ApiError): Promise<void> {
    if (error.status === 401) {
      this.#onUnauthorized();
      this.close();
      return;
    }
    // Of a thread that nobody has written to there is nothing to read; it begins with its first message.
    const { conversation, problem: known } = this.view.latest();
    const problem = error.status === 404 && (conversation.items.length === 0 || known !== null) ? null : error;
    this.#isStale = false;
    this.#change((view) => ({
      ...view,
      phase: "ready",
      link: "idle",
      problem: problem === null ? view.problem : describeProblem(problem),
    }));
    if (this.#turns.length === 0) await this.#sleep();
  }

  async #waitOut(failures: number): Promise<void> {
    this.#change((view) => ({ ...view, link: "lost" }));
    const rest = this.#rest.signal;
    await pause(Math.min(longestRetryMs, firstRetryMs * 2 ** failures), rest).catch(() => {});
  }

  /** Until something wakes it. */
  #sleep(): Promise<void> {
    const rest = this.#rest.signal;
    return new Promise((resolve) => {
      if (rest.aborted) resolve();
      else rest.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  async #load(): Promise<void> {
    const [rows, plan, { data: runs }] = await Promise.all([
      this.#api.listMessages(this.id),
      this.#api.getPlan(this.id),
      this.#api.listRuns(this.id),
    ]);
    this.#isStale = false;
    const active = runs.filter(({ status }) => status === "queued" || status === "running").toReversed();
    // Also of one that has ended: its stream knows most about it.
    const followed = (active.length > 0 ? active.slice(0, 1) : runs.slice(0, 1)).map((run) => run.invocation_id);
    for (const run of runs) if (!active.includes(run)) this.#seen.add(run.invocation_id);
    const conversation = restore(rows, plan, runs, followed);
    this.#change((view) => ({ ...view, conversation, runs, phase: runs.length > 0 ? view.phase : "ready" }));
    for (const run of followed) await this.#follow({ thread: this.id, run, begin: null });
    const now = active.length === 0 ? plan : await this.#api.getPlan(this.id);
    this.#change((view) => ({ ...view, phase: "ready", conversation: withPlan(view.conversation, now) }));
  }

  async #take(turn: Turn): Promise<void> {
    tellTabs(this.id);
    try {
      await this.#follow(turn);
    } catch (error) {
      if (!(error instanceof ApiError) || error.isPassing) throw error;
      this.#turns.shift();
      this.#change(({ conversation, ...view }) => {
        const run = { ...conversation.run, state: "none" as const };
        return { ...view, problem: describeProblem(error), conversation: { ...conversation, run } };
      });
      if (error.status === 401) throw error;
      // Whatever refused it, this page does not know how things stand.
      this.#isStale = true;
      return;
    }
    this.#turns.shift();
    tellTabs(null);
    await this.#lookBack(turn.run);
  }

  /** What others had run on the thread between what was seen and this turn is read from the store. */
  async #lookBack(run: string): Promise<void> {
    const { data: runs } = await this.#api.listRuns(this.id);
    const own = runs.findIndex(({ invocation_id }) => invocation_id === run);
    const before = own < 0 ? [] : runs.slice(own + 1);
    if (before.some(({ invocation_id }) => !this.#seen.has(invocation_id))) this.#isStale = true;
    this.#change((view) => ({ ...view, runs }));
  }

  async #follow(followed: Followed): Promise<void> {
    this.#run = followed.run;
    try {
      await followRun(
        this.#api,
        followed,
        {
          onEvent: (event, id) => this.#hear(event, id),
          onConnection: (connected) => this.#change((view) => ({ ...view, link: connected ? "connected" : "lost" })),
        },
        {
          signal: this.#closing.signal,
          patienceMs: Number.MAX_SAFE_INTEGER,
          opening: followed.begin ? openTurn : undefined,
        },
      );
    } finally {
      this.#run = null;
    }
  }

  /** To the thread, until its server has nothing more to tell; then the page rests. */
  async #listen(): Promise<void> {
    const rest = this.#rest.signal;
    const silence = watchSilence(AbortSignal.any([this.#closing.signal, rest]));
    const onSign = (): void => {
      silence.hear();
      this.#change((view) => ({ ...view, link: "connected", phase: "ready" }));
    };
    try {
      const response = await this.#api.watchThread(this.id, this.#lastId, silence.signal);
      await readFrames(response, { onSign, onEvent: (event, id) => this.#hear(event, id) }, silence.signal);
    } catch (error) {
      if (rest.aborted) return;
      throw error;
    } finally {
      silence.stop();
    }
    if (silence.signal.aborted || isBusy(this.view.latest())) return;
    this.#change((view) => ({ ...view, link: "idle" }));
    await this.#sleep();
  }

  #hear(event: ThreadEvent, id: string | null): void {
    if (id !== null) this.#lastId = id;
    if (event.type === "RUN_STARTED") this.#seen.add(event.runId);
    this.#change((view) => hear(view, { at: Date.now(), id, event }));
    if (event.type === "RUN_FINISHED" || event.type === "RUN_ERROR") tellTabs(null);
  }

  async #attempt<T>(act: () => Promise<T>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#onUnauthorized();
      this.#change((view) => ({ ...view, problem: describeProblem(error) }));
      return false;
    }
  }

  #change(edit: (view: ThreadView) => ThreadView): void {
    if (!this.#closing.signal.aborted) this.view.change(edit);
  }
}
