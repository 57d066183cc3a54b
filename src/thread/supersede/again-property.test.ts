// Turns asked again and edited, histories, steering, messages changed while they wait, cancels, lives that end and a D1
// that fails, in any order: the model never reads what is superseded, each message is one row, and D1, the lists and
// every reader of the thread end with the same conversation.

import fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { call, type Reply, reply } from "../../../test/fakes/replies.ts";
import { openD1 } from "../../../test/fakes/sqlite-d1.ts";
import { readStoredMessages } from "../../../test/fakes/stored-rows.ts";
import { settle } from "../../../test/fakes/stream.ts";
import type { FakeReader, ReadFrame } from "../../../test/fakes/stream-reader.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { Transcript } from "../../../test/fakes/transcript.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import type { MessageRow } from "../../protocol/message.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { syncThread } from "../../store/sync.ts";
import { peopleTools } from "../../tools/people.ts";
import { taskTools } from "../../tools/tasks.ts";
import { changeWaiting, removeWaiting } from "../inbox/change-waiting.ts";
import { listWaiting } from "../inbox/waiting.ts";
import { findRun } from "../life.ts";
import { clock } from "../ports.ts";
import { readMessagePage } from "../rows/reads.ts";
import { cancelBefore, cancelRecord } from "../run/control.ts";
import { ensureRunning } from "../run/run.ts";
import { toAgUiMessages } from "../stream/events.ts";

/** For an agent that reads of its sandbox. */
const workTools = peopleTools.slice(0, 1).map((tool) => ({ ...tool, name: "work", kind: "work" as const }));

const page = { cursor: null, limit: 1_000, types: [], after: null };

/** Places are taken modulo what exists. */
const anyStep = fc.record({
  act: fc.constantFrom(
    ...(["post", "post", "steer", "edit", "edit", "regenerate", "regenerate", "history", "history"] as const),
    ...(["change", "take back", "cancel", "crash", "die", "d1", "d1", "watch", "leave"] as const),
  ),
  place: fc.nat({ max: 40 }),
  /** A message keeps its id; a history is the whole. */
  is_same: fc.boolean(),
  replaces: fc.boolean(),
  d1: fc.constantFrom("ok", "fails", "lost", "late"),
  turns: fc.nat({ max: 10 }),
});
type Step = typeof anyStep extends fc.Arbitrary<infer Value> ? Value : never;

function saidIn({ content }: MessageRow): string {
  return String((content as { content?: unknown }).content ?? "");
}

/** A client of the thread's stream: it reconnects with its last number, and an incomplete resync does not count. */
class Watcher {
  transcript = new Transcript();
  #lastId: number | null = null;
  #reader: FakeReader | null = null;

  connect(thread: FakeThread): void {
    this.leave();
    this.#reader = thread.read({ after: this.#lastId });
  }

  leave(): void {
    const frames = this.#reader?.frames ?? [];
    this.#reader = null;
    const isResync = ({ event }: ReadFrame) =>
      (event.type === "MESSAGES_SNAPSHOT" && !("metadata" in event)) ||
      (event.type === "RUN_STARTED" && event.metadata?.resync === true);
    const [first] = frames;
    if (first !== undefined && isResync(first)) {
      if (frames.every(({ id }) => id === null)) return;
      this.transcript = new Transcript();
    }
    for (const { id, event } of frames) {
      this.transcript.apply(event);
      this.#lastId = id ?? this.#lastId;
    }
  }
}

class World {
  readonly d1 = openD1();
  readonly thread: FakeThread;
  readonly watchers = [new Watcher(), new Watcher()];
  readonly problems: string[] = [];
  /** Texts that were changed while they waited. */
  readonly changed = new Set<string>();
  #d1: Step["d1"] = "ok";
  #late: (() => Promise<unknown>)[] = [];
  #diesIn = Number.POSITIVE_INFINITY;
  #calls = 0;
  #steps = 0;

  constructor() {
    this.thread = new FakeThread({
      tools: [...taskTools, ...peopleTools, ...workTools],
      // The project's settings are not known, so that the first message waits for them.
      tells: true,
      clock: { ...clock, now: () => clock.now() + 5_000 },
      dies: () => {
        this.#diesIn -= 1;
        return this.#diesIn < 0;
      },
      defaultReply: this.#reply,
      syncThread: async (batch) => {
        const sent = structuredClone(batch);
        await settle();
        if (this.#d1 === "late") this.#late.push(() => syncThread(this.d1.binding, sent));
        if (this.#d1 === "fails" || this.#d1 === "late") throw new Error("D1 is away");
        const answer = await syncThread(this.d1.binding, sent);
        if (this.#d1 === "lost") throw new Error("D1's answer was lost");
        return answer;
      },
    });
    this.#slowProject();
  }

  #slowProject(): void {
    this.thread.life.ports.readProject = async () => {
      for (let turn = 0; turn < 3; turn++) await settle();
      return null;
    };
  }

  rows(superseded: boolean): MessageRow[] {
    const read = readMessagePage(this.thread.life, { ...page, superseded });
    if (!read.ok) throw new Error(read.error.detail);
    return read.value.data;
  }

  /** Plans, asks, works or talks, in turn; a cancel ends it with what was said. */
  readonly #reply: Reply = async (request, onDelta, signal) => {
    const current = new Set(this.rows(false).map(saidIn));
    for (const { content } of request.messages) {
      const read = JSON.stringify(content ?? "");
      const gone = this.rows(true).filter((row) => row.type === "user" && !current.has(saidIn(row)));
      const wrong = [...gone.map(saidIn), ...this.changed].find((text) => read.includes(`${text}"`));
      if (wrong !== undefined) this.problems.push(`the model read ${wrong}`);
    }
    const number = ++this.#calls;
    const text = `reply ${number}`;
    onDelta({ type: "text", text });
    for (let turn = 0; turn < number % 5; turn++) {
      await settle();
      if (signal.aborted) return { kind: "aborted", reply: { ...empty, text } };
    }
    const id = `c${number}`;
    const plan = { sections: [{ title: "S", tasks: [`A${number}`] }] };
    const due = /task_\d+/.exec(JSON.stringify(request.messages.at(-1)))?.[0];
    if (number % 7 === 0) return call({ id, name: "create_tasks", input: plan })(request, onDelta, signal);
    if (number % 7 === 1) return call({ id, name: "ask", input: { question: "Which?" } })(request, onDelta, signal);
    if (number % 7 > 3 && due !== undefined) {
      const input = { task_ids: [due], status: "completed" };
      return call({ id, name: "update_tasks", input })(request, onDelta, signal);
    }
    return reply({ text });
  };

  /** A life that ends during it is followed by the next one. */
  async perform(step: Step): Promise<void> {
    try {
      if (!this.thread.isAlive) this.#crash();
      await this.#act(step);
    } catch (error) {
      if (this.thread.isAlive) throw error;
    }
    for (let turn = 0; turn < step.turns; turn++) await settle();
  }

  async #act({ act, place, is_same, replaces, d1 }: Step): Promise<void> {
    const { thread } = this;
    const number = ++this.#steps;
    const text = `text ${number}`;
    const messages = [{ message_id: `m${number}`, content: text }];
    const rows = this.rows(true);
    const message_id = rows[place % Math.max(1, rows.length)]?.message_id ?? "none";
    const again = { messages: [], on_busy: replaces ? ("replace" as const) : ("reject" as const) };
    const waiting = listWaiting(thread.life);
    const waits = waiting[place % Math.max(1, waiting.length)];
    if (act === "post") await this.#accept({ messages });
    else if (act === "steer") await this.#accept({ messages, on_busy: "steer" });
    else if (act === "regenerate") {
      await this.#accept({ ...again, supersede: { message_id, replaces: false, is_unnamed: is_same } });
    } else if (act === "edit") {
      const message = { message_id: is_same ? message_id : `m${number}`, content: text };
      await this.#accept({ ...again, messages: [message], supersede: { message_id, replaces: true } });
    } else if (act === "history") await this.#accept(this.#historyOf(place, is_same, replaces ? messages : []));
    else if (act === "change" && waits !== undefined) {
      const changed = await changeWaiting(thread.life, waits.message_id, { content: text, steers: replaces });
      if (changed.ok) this.changed.add(String(waits.content));
    } else if (act === "take back" && waits !== undefined) await removeWaiting(thread.life, waits.message_id);
    else if (act === "cancel" && thread.life.active !== null) cancelRecord(thread.life, thread.life.active.record);
    else if (act === "crash") this.#crash();
    else if (act === "die") this.#diesIn = place % 6;
    else if (act === "d1") await this.#turnD1(d1);
    else if (act === "watch") this.watchers[place % 2]?.connect(thread);
    else if (act === "leave") this.watchers[place % 2]?.leave();
  }

  async #accept(input: Partial<RunInput>): Promise<void> {
    const { thread } = this;
    const accepted = await thread.accept("", { invocation_id: `inv_${this.#steps}`, ...input });
    const record = accepted.ok && accepted.value.created && findRun(thread.life, accepted.value.run.invocation_id);
    if (record && record.input?.on_busy === "replace") cancelBefore(thread.life, record);
  }

  /** The first messages of the conversation, and new ones behind them. */
  #historyOf(place: number, is_whole_history: boolean, added: RunInput["messages"]): Partial<RunInput> {
    const spoken = this.rows(false).filter(({ type }) => type === "user" || type === "assistant");
    const shown = spoken.slice(0, place % (spoken.length + 1));
    const own = shown.filter(({ type }) => type === "user");
    return {
      from_history: true,
      is_whole_history,
      messages: [...own.map((row) => ({ message_id: row.message_id, content: saidIn(row) })), ...added],
      history: [
        ...shown.map((row) => ({ message_id: row.message_id, role: row.type })),
        ...added.map((message) => ({ message_id: message.message_id, role: "user" })),
      ],
    };
  }

  #crash(): void {
    this.#diesIn = Number.POSITIVE_INFINITY;
    for (const watcher of this.watchers) watcher.leave();
    this.thread.crash();
    this.#slowProject();
  }

  /** What came too late arrives now, behind what was sent since. */
  async #turnD1(to: Step["d1"]): Promise<void> {
    this.#d1 = to;
    for (const arrive of this.#late.splice(0)) await arrive();
  }

  async calmDown(): Promise<void> {
    await this.#turnD1("ok");
    this.#crash();
    const { life } = this.thread;
    while (life.live.size > 0 || life.outbox.pending) {
      ensureRunning(life);
      await settle();
      if (life.live.size === 0) await life.outbox.sync();
    }
    for (const watcher of this.watchers) {
      watcher.connect(this.thread);
      for (let turn = 0; turn < 30; turn++) await settle();
      watcher.leave();
    }
  }
}

const empty = { text: "", reasoning: "", tool_calls: [], finish: "other" as const, usage: null };

/** A run's new messages are sent with its start, so a stream has the answer to a question before the call's result. */
function shownIn(transcript: Transcript) {
  const { messages } = transcript.value;
  const results = messages.filter(({ role }) => role === "tool").map((held) => [held.answers, held]);
  return { messages: messages.filter(({ role }) => role !== "tool"), results: Object.fromEntries(results) };
}

describe("what is asked again and edited", () => {
  beforeAll(() => {
    for (const level of ["error", "warn"] as const) vi.spyOn(console, level).mockImplementation(() => {});
  });

  it("is in no list, request, stream and row of D1 any more, whatever happens meanwhile", async () => {
    const play = async (steps: Step[]): Promise<void> => {
      const world = new World();
      for (const step of steps) await world.perform(step);
      await world.calmDown();
      const { thread, d1, watchers } = world;
      for (const superseded of [false, true]) {
        const stored = await readStoredMessages(d1.binding, thread.key, { superseded });
        expect(stored).toMatchObject(world.rows(superseded));
      }
      const all = world.rows(true);
      // A history that is out of date may edit a message back to a text that is superseded.
      const said = world.rows(false).filter(({ type }) => type === "user");
      const texts = said.map(saidIn);
      expect([new Set(all.map(({ message_id }) => message_id)).size, new Set(texts).size]).toEqual([
        all.length,
        texts.length,
      ]);
      expect(texts.filter((text) => world.changed.has(text))).toEqual([]);
      const messages = world.rows(false).flatMap(toAgUiMessages);
      const stored = shownIn(new Transcript().apply({ type: "MESSAGES_SNAPSHOT", messages }));
      for (const { transcript } of watchers) expect(shownIn(transcript)).toEqual(stored);
      expect([...world.problems, ...thread.failures]).toEqual([]);
    };
    const scripts = fc.array(anyStep, { minLength: 5, maxLength: 40 });
    await fc.assert(fc.asyncProperty(scripts, play), { numRuns: Number(process.env.AGAIN_RUNS ?? runCount(30)) });
  }, 240_000);
});
