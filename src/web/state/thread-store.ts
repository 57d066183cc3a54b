// The open thread. One loop does one thing at a time: it reads what is stored, follows a run to its end, sends what a
// person typed, or listens to the thread for runs that others start. Each step ends with the number of the last event,
// where the next one continues, so nothing is shown twice or missed. When nothing happens it sends no requests until
// something wakes it.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { PlanView } from "../../protocol/plan/task.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { type Api, ApiError, waitFor } from "../client/api.ts";
import type { Conversation } from "../client/conversation.ts";
import { newId } from "../client/ids.ts";
import { withPlan } from "../client/restore.ts";
import { giveBack, keepUnsent, listUnsent } from "./drafts.ts";
import { FrameStore } from "./frame-store.ts";
import { Inbox } from "./inbox.ts";
import { Outgoing, type Turn, typedOf } from "./outgoing.ts";
import { describeProblem, describeRetry } from "./problem.ts";
import { readThread } from "./read-thread.ts";
import { Rest } from "./rest.ts";
import { ThreadStream } from "./thread-stream.ts";
import {
  awaitAnswer,
  connect,
  hear,
  isBusy,
  isKnown,
  opening,
  say,
  sayAgain,
  type ThreadView,
  unsay,
  type Waiting,
  wait,
  withInbox,
  withoutWaiting,
  withSent,
} from "./thread-view.ts";
import { notifyTabs, onWake } from "./wake.ts";

interface ThreadOptions {
  /** Nothing is stored yet; the thread begins with its first message. */
  isNew: boolean;
  /** The server has got something that was sent. */
  onTaken: () => void;
  onUnauthorized: () => void;
}

export class ThreadStore {
  readonly id: string;
  readonly view: FrameStore<ThreadView>;
  readonly #api: Api;
  readonly #onUnauthorized: () => void;
  readonly #closing = new AbortController();
  readonly #outgoing: Outgoing;
  readonly inbox: Inbox;
  readonly #stream: ThreadStream;
  /** Runs that this page has seen. */
  readonly #seen = new Set<string>();
  #isStale: boolean;
  /** The newest plan that an edit or a check was answered with since the thread was last read. */
  #taken: PlanView | null = null;
  readonly #rest = new Rest();

  constructor(api: Api, id: string, { isNew, onTaken, onUnauthorized }: ThreadOptions) {
    this.#api = api;
    this.id = id;
    this.#outgoing = new Outgoing(api, id, onTaken);
    this.#isStale = !isNew;
    this.#onUnauthorized = onUnauthorized;
    this.view = new FrameStore({ ...opening, phase: isNew ? "ready" : "loading" });
    this.inbox = new Inbox(api, id, this.view, (edit) => this.#change(edit));
    this.#stream = new ThreadStream(api, id, this.#closing.signal, {
      onEvent: (event, id) => this.#hear(event, id),
      onConnection: (connected) => this.#change((view) => (connected ? connect(view) : { ...view, link: "lost" })),
      onWait: (error) => this.#change((view) => ({ ...connect(view), problem: describeRetry(error) })),
    });
    const stop = onWake((thread) => {
      if (thread !== null && thread !== id) return;
      this.inbox.look();
      // An open stream brings everything else.
      if (this.view.latest().link !== "connected") this.#rest.wake();
    });
    this.#closing.signal.addEventListener("abort", stop);
    for (const { run, id: message, text } of listUnsent(id)) {
      this.#change((view) => wait(view, { id: message, text, mode: "enqueue", run, isSent: false }));
      this.#outgoing.begin({ kind: "message", id: message, text }, run);
    }
    void this.#work(isNew);
  }

  /** What the server has not got is still delivered. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#outgoing.deliverAll();
    this.#leave();
  }

  #leave(): void {
    this.#closing.abort();
    this.#rest.wake();
  }

  send(text: string, mode: Waiting["mode"] = "enqueue"): void {
    const [id, run] = [newId("msg"), newId("inv")];
    const view = this.view.latest();
    const message = { id, text, mode, run, isSent: false };
    keepUnsent({ thread: this.id, run, id, text });
    if (isBusy(view) || view.waiting.length > 0) {
      void this.#sendBeside(message);
      return;
    }
    // A read that is under way does not contain it yet.
    this.#change((now) => (now.phase === "loading" ? wait(now, { ...message, mode: "enqueue" }) : say(now, message)));
    this.#begin({ kind: "message", id, text }, run);
  }

  answer(answers: InterruptAnswer[]): void {
    const interrupted = this.view.latest().conversation.run.id;
    if (interrupted === null) return;
    this.#change(awaitAnswer);
    this.#begin({ kind: "answers", interrupted, answers }, newId("inv"));
  }

  /** Asks the turn of a message again, or with `text` in its place. What it replaces is gone from the page at once. */
  again(message: string, text: string | null): void {
    if (isBusy(this.view.latest())) return;
    const begin = { kind: "again" as const, message, edited: text === null ? null : { id: newId("msg"), text } };
    this.#change((view) => sayAgain(view, begin));
    this.#begin(begin, newId("inv"));
  }

  /** Its end arrives as an event. What the server may not have yet is taken back. */
  async stop(): Promise<void> {
    const turn = this.#outgoing.next;
    if (turn && !turn.isBegun) {
      turn.withdrawal.abort();
      this.#rest.wake();
      return;
    }
    const run = this.#stream.run ?? this.view.latest().conversation.run.id;
    if (run === null) return;
    try {
      await this.#api.cancel(this.id, run);
    } catch (error) {
      if (!this.#leaveIfUnknown(error)) this.#change((view) => ({ ...view, problem: describeProblem(error) }));
    }
  }

  /** Applies a change that this page made itself, or learned of elsewhere. */
  refresh(): void {
    this.#isStale = true;
    this.#rest.wake();
  }

  /** The plan in the response to an edit: where no run works, nothing else reports it. */
  takePlan(plan: PlanView): void {
    if (this.#taken === null || plan.version > this.#taken.version) this.#taken = plan;
    this.#change((view) => ({ ...view, conversation: withPlan(view.conversation, plan) }));
  }

  dismissProblem(): void {
    this.#change((view) => ({ ...view, problem: null }));
  }

  async #sendBeside(message: Waiting): Promise<void> {
    this.#change((view) => ({ ...wait(view, message), problem: null }));
    const onLost = (error: unknown): void => this.#change((view) => ({ ...view, problem: describeRetry(error) }));
    try {
      await this.#outgoing.beside(message, onLost);
      this.#change((view) => ({ ...withSent(view, message.id), problem: null }));
      // The run that it was meant for may have ended meanwhile.
      this.#rest.wake();
      notifyTabs(this.id);
    } catch (error) {
      this.#change((view) => ({ ...withoutWaiting(view, message.id), problem: describeProblem(error) }));
      this.#leaveIfUnknown(error);
    }
  }

  #begin(begin: Turn["begin"], run: string): void {
    this.#outgoing.begin(begin, run);
    // The thread was left while its first message waited for its project.
    if (this.#closing.signal.aborted) this.#outgoing.deliverAll();
    this.#rest.wake();
  }

  async #work(isNew: boolean): Promise<void> {
    if (isNew) await this.#rest.sleep();
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      try {
        await this.#doNext();
        failures = 0;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        if (error instanceof ApiError && !error.isPassing) await this.#giveUp(error);
        else {
          const problem = describeRetry(error);
          this.#change((view) => (problem.isWait ? { ...connect(view), problem } : { ...view, link: "lost" }));
          await this.#rest.waitOut(failures++, waitFor(error));
        }
      }
    }
  }

  async #doNext(): Promise<void> {
    const turn = this.#outgoing.next;
    if (this.#isStale) await this.#load();
    else if (turn) await this.#take(turn);
    else await this.#listen();
  }

  async #giveUp(error: ApiError): Promise<void> {
    if (this.#leaveIfUnknown(error)) return;
    // A thread without messages has nothing to read; it begins with its first message.
    const { conversation, problem: known } = this.view.latest();
    const isUnwritten = error.status === 404 && (conversation.items.length === 0 || known !== null);
    const problem = isUnwritten ? known : describeProblem(error);
    this.#isStale = false;
    this.#change((view) => ({ ...view, phase: "ready", link: "idle", problem }));
    if (!this.#outgoing.next) await this.#rest.sleep();
  }

  /** With a key that the server does not know, nothing continues here. */
  #leaveIfUnknown(error: unknown): boolean {
    if (!(error instanceof ApiError) || error.status !== 401) return false;
    this.#leave();
    this.#onUnauthorized();
    return true;
  }

  async #load(): Promise<void> {
    const waited = new Set(this.view.latest().waiting.flatMap(({ id, isSent }) => (isSent ? [id] : [])));
    const { changes } = this.inbox;
    // Whatever changes during the read may be missing in it.
    this.#isStale = false;
    this.#taken = null;
    const { conversation, plan, runs, active, followed, inbox, known } = await readThread(this.#api, this.id).catch(
      (error: unknown) => {
        this.#isStale = true;
        throw error;
      },
    );
    for (const run of runs) if (!active.includes(run)) this.#seen.add(run.invocation_id);
    // The stream of a run that has ended is read in one piece, and shown when it is complete.
    const isRead = runs.length > 0 && active.length === 0;
    this.#change((view) =>
      withInbox(
        { ...view, conversation: this.#withTaken(conversation), runs, phase: isRead ? view.phase : "ready" },
        inbox,
        ({ id }) => waited.has(id),
      ),
    );
    if (changes !== this.inbox.changes) this.inbox.look();
    this.#outgoing.dropKnown(known);
    // Where a run works, messages sent before that was known don't wait for its end.
    const messages = active.length > 0 ? this.#outgoing.takeMessages() : [];
    for (const { id, text, run } of messages) {
      void this.#sendBeside({ id, text, mode: "enqueue", run, isSent: false });
    }
    for (const run of followed) await this.#stream.follow({ thread: this.id, run, begin: null });
    const now = active.length === 0 ? plan : await this.#api.getPlan(this.id);
    this.#change((view) => {
      const read = withPlan(view.conversation, now);
      return { ...connect(view), phase: "ready", conversation: this.#withTaken(read) };
    });
  }

  /** An edit may have been answered before what was read earlier. */
  #withTaken(conversation: Conversation): Conversation {
    return this.#taken === null ? conversation : withPlan(conversation, this.#taken);
  }

  async #take(turn: Turn): Promise<void> {
    const { begin } = turn;
    if (begin.kind === "message") this.#change((view) => say(view, begin));
    if (begin.kind === "again") this.#change((view) => sayAgain(view, begin));
    notifyTabs(this.id);
    try {
      const { signal: withdrawal } = turn.withdrawal;
      await this.#stream.follow(turn, { opening: this.#outgoing.openingOf(turn), withdrawal });
    } catch (error) {
      const isWithdrawn = turn.withdrawal.signal.aborted && !this.#closing.signal.aborted;
      // Another key may be accepted: it is kept for then.
      const isRefused = error instanceof ApiError && !error.isPassing && error.status !== 401;
      if (!isWithdrawn && !isRefused) throw error;
      this.#outgoing.settle(turn);
      const typed = typedOf(turn, error, this.view.latest().conversation.interrupts);
      for (const text of typed) giveBack(this.id, text);
      // The request may have arrived after all.
      if (isWithdrawn) void this.#api.cancel(this.id, turn.run).catch(() => {});
      const problem = isWithdrawn ? null : describeProblem(error);
      this.#change((view) => ({ ...unsay(view, "id" in begin ? begin.id : null), problem }));
      // After any refusal the page does not know the thread's state.
      this.#isStale = true;
      return;
    }
    this.#outgoing.settle(turn);
    notifyTabs(null);
    await this.#lookBack(turn.run);
  }

  /** Runs that others started between the last event seen and this turn are read from the store. */
  async #lookBack(run: string): Promise<void> {
    const { data: runs } = await this.#api.listRuns(this.id);
    const own = runs.findIndex(({ invocation_id }) => invocation_id === run);
    const before = own < 0 ? [] : runs.slice(own + 1);
    if (before.some(({ invocation_id }) => !this.#seen.has(invocation_id))) this.#isStale = true;
    this.#change((view) => ({ ...view, runs }));
  }

  /**
   * Listens to the thread until its server closes the stream because it has nothing more to send; then the page rests.
   */
  async #listen(): Promise<void> {
    const isOver = await this.#stream.listen(this.#rest.signal, () =>
      this.#change((view) => ({ ...connect(view), phase: "ready" })),
    );
    if (!isOver || isBusy(this.view.latest())) return;
    this.#change((view) => ({ ...view, link: "idle" }));
    await this.#rest.sleep();
  }

  #hear(event: ThreadEvent, id: string | null): void {
    if (event.type === "RUN_STARTED") this.#seen.add(event.runId);
    // All that the page shows may be superseded since. Then what is stored says more than the snapshot.
    if (event.type === "MESSAGES_SNAPSHOT" && !isKnown(this.view.latest(), event)) this.refresh();
    this.#change((view) => connect(hear(view, { at: Date.now(), id, event })));
    if (event.type !== "RUN_FINISHED" && event.type !== "RUN_ERROR") return;
    notifyTabs(null);
    this.inbox.look();
  }

  #change(edit: (view: ThreadView) => ThreadView): void {
    if (!this.#closing.signal.aborted) this.view.change(edit);
  }
}
