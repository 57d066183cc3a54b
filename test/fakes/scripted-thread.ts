// A thread that follows a random script, like the run driver: over a real Journal and real Readers, with the truth kept
// beside them in the plainest form. Its clients are cut and reconnect.
import type { AgUiMessage, ThreadEvent } from "../../src/protocol/event.ts";
import { writeMeta } from "../../src/thread/rows/database.ts";
import { frameOf, Journal } from "../../src/thread/stream/journal/journal.ts";
import { type ReaderRequest, Readers } from "../../src/thread/stream/readers.ts";
import type { Limits } from "../../src/thread/stream/shared.ts";
import type { Kind, Step } from "./any-script.ts";
import { counterDelta, counterSnapshot } from "./conversation.ts";
import { shapeOf } from "./part-shapes.ts";
import { openDatabase } from "./sqlite-database.ts";
import { FakeClock } from "./stream.ts";

export interface PartFacts {
  kind: Kind | "user";
  text: string;
  /** Numbers of the live STARTs and of the last delta. */
  from: number;
  last: number;
  state: "live" | "stored" | "void";
}

export class ScriptedThread {
  readonly database = openDatabase();
  readonly clock = new FakeClock();
  journal = new Journal(this.database);
  readers: Readers;
  readonly parts = new Map<string, PartFacts>();
  readonly results = new Map<string, string>();
  readonly runs: { id: string; start: number; end: number }[] = [];
  /** Every number that was used, by life. */
  readonly lives: { first: number; last: number }[] = [];
  /** Numbers that a life may have sent and that no later one can account for. */
  readonly lost: { from: number; to: number }[] = [];
  counter = 0;
  run: { id: string; start: number } | null = null;
  held: number | null = null;
  readonly #limits: Limits | undefined;
  #message = 0;
  #ids = 0;

  /** With small limits, every reader receives its data in pieces, and some do not keep up. */
  constructor(limits?: Limits) {
    this.#limits = limits;
    this.readers = new Readers(this.journal, this.clock, limits);
  }

  perform(step: Step): void {
    const { journal } = this;
    if (this.held !== null && !["release", "fact", "tick", "crash", "lose", "settle"].includes(step.type)) return;
    if (step.type === "together") {
      this.database.transaction(() =>
        journal.gather(() => {
          for (const type of step.steps) this.perform({ type });
        }),
      );
      return;
    }
    if (step.type === "open" || step.type === "end" || step.type === "user_text") this.#start();
    this.#do(step);
  }

  #do(step: Step): void {
    const { journal } = this;
    const run = this.run?.id ?? "";
    if (step.type === "open") this.#open(step.kind);
    else if (step.type === "delta") this.#delta(step.at, step.text);
    else if (step.type === "close") this.#ofOpen(step.at, (id) => journal.closePart(id));
    else if (step.type === "store") this.#store(() => true);
    else if (step.type === "store_text") this.#store((id) => this.parts.get(id)?.kind !== "tool_call");
    else if (step.type === "drop") this.#store(() => false);
    else if (step.type === "fact") {
      this.counter += 1;
      this.database.transaction(() => journal.addFact(run, counterDelta(this.counter)));
    } else if (step.type === "user_text") this.#userText(run);
    else if (step.type === "result") this.#result(run);
    else if (step.type === "ephemeral") {
      journal.addEphemeral({ type: "CUSTOM", name: "model_retry", value: { attempt: 1, after_ms: 5 } });
    } else if (step.type === "tick") this.clock.advance(step.ms);
    else if (step.type === "end") this.#end();
    else if (step.type === "release") this.#release();
    else if (step.type === "trim") this.#trim();
    else if (step.type === "lose") this.#lose(step.at);
    else if (step.type === "crash") this.#crash();
    else if (step.type === "settle") this.#settle();
  }

  /** Lets the script end: the run is over and everything is sent. */
  finish(): void {
    if (this.held === null && this.run !== null) this.#end();
    this.#release();
    this.clock.advance(100);
  }

  get live(): [string, PartFacts][] {
    return [...this.parts].filter(([, part]) => part.state === "live");
  }

  get stored(): Map<string, string> {
    return new Map([...this.parts].filter(([, { state }]) => state === "stored").map(([id, part]) => [id, part.text]));
  }

  /** What the thread's stream gives to a client that has everything up to `after`; null requests a resync. */
  request(after: number | null): ReaderRequest & { exact: boolean } {
    const exact = after !== null && this.journal.replay.canResume(after);
    if (exact) return { after, opening: [], end: () => null, idles: true, exact };
    const opening = this.#resync();
    return { after: this.journal.released, opening, bare: true, end: () => null, idles: true, exact };
  }

  #resync(): string[] {
    const events: ThreadEvent[] = [];
    // While a run's end is held, the run continues for readers.
    const run = this.run ?? (this.held === null ? null : (this.runs.at(-1) ?? null));
    if (run !== null) events.push({ type: "RUN_STARTED", threadId: "t", runId: run.id, metadata: { resync: true } });
    events.push(this.#snapshot(), counterSnapshot(this.#releasedCounter()));
    // What is open comes after.
    const last = this.journal.liveParts().some(({ open }) => open) ? null : this.journal.released;
    return events.map((event, index) => frameOf(index === events.length - 1 ? last : null, event));
  }

  /** Facts after a held end are not visible yet. */
  #releasedCounter(): number {
    return this.held === null ? this.counter : this.#counterAtEnd;
  }

  #counterAtEnd = 0;

  #snapshot(): ThreadEvent {
    const open = new Set(this.journal.liveParts().flatMap(({ part_id, open }) => (open ? [part_id] : [])));
    const messages: AgUiMessage[] = [];
    for (const [id, part] of this.parts) {
      if (part.state === "void" || open.has(id)) continue;
      if (part.kind === "tool_call") {
        const call = { id, type: "function" as const, function: { name: "tool", arguments: part.text } };
        messages.push({ id: `m_${id}`, role: "assistant", toolCalls: [call] });
      } else messages.push({ id, role: part.kind === "text" ? "assistant" : part.kind, content: part.text });
    }
    for (const [id, content] of this.results) messages.push({ id: `r_${id}`, role: "tool", toolCallId: id, content });
    return { type: "MESSAGES_SNAPSHOT", messages };
  }

  #start(): void {
    if (this.run !== null) return;
    const id = `inv_${this.runs.length}`;
    this.database.transaction(() => {
      const start = this.journal.addFact(id, { type: "RUN_STARTED", threadId: "t", runId: id });
      this.journal.addFact(id, counterSnapshot(this.counter));
      this.run = { id, start };
    });
  }

  #open(kind: Kind): void {
    const id = `p_${this.#ids++}`;
    this.journal.openPart(this.run?.id ?? "", shapeOf(kind, id, `m_${this.#message}`));
    const last = this.journal.newest;
    this.parts.set(id, { kind, text: "", from: last - (kind === "reasoning" ? 1 : 0), last, state: "live" });
  }

  #ofOpen(at: number, change: (part_id: string) => void): void {
    const open = this.journal.liveParts().filter((part) => part.open);
    const part = open[at % Math.max(1, open.length)];
    if (part !== undefined) change(part.part_id);
  }

  #delta(at: number, text: string): void {
    this.#ofOpen(at, (id) => {
      this.journal.addDelta(id, text);
      const part = this.parts.get(id);
      if (part === undefined || text === "") return;
      part.text += text;
      part.last = this.journal.newest;
    });
  }

  #store(keep: (part_id: string) => boolean): void {
    for (const [id, part] of this.live) part.state = keep(id) ? "stored" : "void";
    this.database.transaction(() => this.journal.storeParts(`m_${this.#message}`, keep, () => this.#snapshot()));
    this.#message += 1;
  }

  #userText(run: string): void {
    const id = `u_${this.#ids++}`;
    const said = `say ${id}`;
    this.database.transaction(() =>
      this.journal.addFact(
        run,
        { type: "TEXT_MESSAGE_START", messageId: id, role: "user" },
        { type: "TEXT_MESSAGE_CONTENT", messageId: id, delta: said },
        { type: "TEXT_MESSAGE_END", messageId: id },
      ),
    );
    this.parts.set(id, { kind: "user", text: said, from: 0, last: 0, state: "stored" });
  }

  #result(run: string): void {
    const call = [...this.parts].find(
      ([id, { kind, state }]) => kind === "tool_call" && state === "stored" && !this.results.has(id),
    );
    if (call === undefined || this.run === null) return;
    const [toolCallId] = call;
    this.results.set(toolCallId, `result of ${toolCallId}`);
    this.database.transaction(() =>
      this.journal.addFact(run, {
        type: "TOOL_CALL_RESULT",
        messageId: `r_${toolCallId}`,
        toolCallId,
        content: `result of ${toolCallId}`,
        role: "tool",
      }),
    );
  }

  #end(): void {
    const { run } = this;
    if (run === null) return;
    this.#store(() => false);
    this.database.transaction(() => {
      this.journal.hold(this.journal.newest + 1);
      const outcome = { type: "success" as const };
      const end = this.journal.addFact(run.id, { type: "RUN_FINISHED", threadId: "t", runId: run.id, outcome });
      this.held = end;
      this.#counterAtEnd = this.counter;
      this.runs.push({ ...run, end });
      this.run = null;
    });
  }

  #release(): void {
    if (this.held === null) return;
    this.held = null;
    this.journal.release();
  }

  #trim(): void {
    const limit = this.run === null ? this.journal.released : this.run.start - 1;
    this.journal.log.forget(Math.min(limit, this.readers.lowestCursor()));
  }

  /** The effect of the memory limits: the oldest frames are gone. */
  #lose(at: number): void {
    const { log } = this.journal;
    const frames = log.after(log.floor, this.journal.newest, Number.POSITIVE_INFINITY);
    const frame = frames[Math.min(at, frames.length - 1)];
    if (frame !== undefined) log.forget(frame.seq);
  }

  /** As with the position of D1. */
  #settle(): void {
    const none = { message_seq: 0, plan_version: 0, thread_version: 0, project: false, run_seq: 0, released: 0 };
    this.database.transaction(() =>
      writeMeta(this.database.sql, "synced", { ...none, settled: this.journal.settle() }),
    );
  }

  #crash(): void {
    const stored =
      this.database.sql.exec<{ seq: number }>("SELECT max(seq) AS seq FROM journal").toArray()[0]?.seq ?? 0;
    this.lives.push({ first: this.lives.at(-1)?.last ?? 0, last: this.journal.newest });
    this.lost.push({ from: stored + 1, to: this.journal.newest });
    this.readers.cutAll("the life ends");
    for (const [, part] of this.live) part.state = "void";
    this.journal = new Journal(this.database);
    this.readers = new Readers(this.journal, this.clock, this.#limits);
    if (this.held !== null) this.journal.hold(this.held);
    const { run } = this;
    if (run !== null) this.database.transaction(() => this.journal.voidFormerLife(run.id));
    this.#message += 1;
  }
}
