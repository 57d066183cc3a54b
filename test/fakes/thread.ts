// A thread without its platform: the functions of `src/thread` over an in-memory SQLite, a model that is a list of
// replies, and a D1 that is a list of batches. `crash` ends a life as a killed process would: what it still does is lost.
import type { Model, ModelDelta, ModelOutcome, ModelReply, ModelRequest } from "../../src/agent/model.ts";
import type { Tool } from "../../src/agent/tool.ts";
import { defaultAgent } from "../../src/protocol/agent.ts";
import type { Result } from "../../src/protocol/error.ts";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { Job } from "../../src/protocol/job.ts";
import type { AcceptedRun, RunInput } from "../../src/protocol/thread.ts";
import type { ThreadBatch } from "../../src/store/sync.ts";
import type { Database } from "../../src/thread/database.ts";
import { acceptRun } from "../../src/thread/inbox.ts";
import { type Life, wakeLife } from "../../src/thread/life.ts";
import { clock, type Ports } from "../../src/thread/ports.ts";
import { ensureRunning } from "../../src/thread/run.ts";
import { planStream, type StreamRequest } from "../../src/thread/streams.ts";
import { storeThread } from "../../src/thread/threads.ts";
import { MemorySandbox } from "./memory-sandbox.ts";
import { openDatabase } from "./sqlite-database.ts";

export type Reply = (
  request: ModelRequest,
  onDelta: (delta: ModelDelta) => void,
  signal: AbortSignal,
) => Promise<ModelOutcome>;

/** A reply of text in pieces. */
export function say(...pieces: string[]): Reply {
  return async (_request, onDelta) => {
    for (const text of pieces) onDelta({ type: "text", text });
    return reply({ text: pieces.join("") });
  };
}

/** A reply that calls tools. */
export function call(...calls: { id: string; name: string; input: unknown }[]): Reply {
  return async (_request, onDelta) => {
    calls.forEach(({ id, name, input }, index) => {
      onDelta({ type: "tool_call", index, id, name });
      onDelta({ type: "tool_arguments", index, text: JSON.stringify(input) });
    });
    const tool_calls = calls.map(({ id, name, input }) => ({
      id,
      type: "function" as const,
      function: { name, arguments: JSON.stringify(input) },
    }));
    return reply({ tool_calls, finish: "tool_calls" });
  };
}

export function reply(parts: Partial<ModelReply>): ModelOutcome {
  const usage = { input_tokens: 10, cached_input_tokens: 0, output_tokens: 5, cost_usd: null };
  return { kind: "reply", reply: { text: "", reasoning: "", tool_calls: [], finish: "stop", usage, ...parts } };
}

export interface ReadFrame {
  id: number | null;
  event: ThreadEvent;
}

export class FakeReader {
  text = "";
  ended: "open" | "closed" | "aborted" = "open";
  #wake: (() => void)[] = [];

  get frames(): ReadFrame[] {
    return this.text
      .split("\n\n")
      .filter((frame) => frame.includes("data: "))
      .map((frame) => {
        const id = /^id: (\d+)$/m.exec(frame)?.[1];
        return {
          id: id === undefined ? null : Number(id),
          event: JSON.parse(frame.slice(frame.indexOf("data: ") + 6)),
        };
      });
  }

  get events(): ThreadEvent[] {
    return this.frames.map(({ event }) => event);
  }

  get lastId(): number | null {
    return this.frames.reduce<number | null>((last, { id }) => id ?? last, null);
  }

  /** Resolves once `is` holds; asked after each write and at the end. */
  async until(is: (reader: FakeReader) => boolean): Promise<this> {
    while (!is(this)) {
      if (this.ended !== "open") throw new Error(`the stream is ${this.ended}: ${this.text.slice(-500)}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return this;
  }

  async untilClosed(): Promise<this> {
    while (this.ended === "open") await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this;
  }

  take(text: string): void {
    this.text += text;
    this.#tell();
  }

  end(how: "closed" | "aborted"): void {
    this.ended = how;
    this.#tell();
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

export interface FakeThreadOptions {
  replies?: Reply[];
  tools?: Tool[];
  syncThread?: (batch: ThreadBatch) => Promise<void>;
}

export class FakeThread {
  readonly key = { user_id: "user_1", thread_id: "thread_1" };
  readonly batches: ThreadBatch[] = [];
  readonly jobs: Job[] = [];
  readonly alarms: number[] = [];
  readonly replies: Reply[];
  readonly requests: ModelRequest[] = [];
  readonly sandbox = new MemorySandbox();
  life: Life;
  readonly #options: FakeThreadOptions;
  readonly #database = openDatabase();
  #end: () => void = () => {};

  constructor(options: FakeThreadOptions = {}) {
    this.#options = options;
    this.replies = options.replies ?? [];
    const creation = { ...this.key, project_id: null, title: null, agent_id: null, metadata: {} };
    storeThread(this.#database, creation, Date.now());
    this.life = this.#wake();
  }

  /** Ends the life as a kill does; the next one wakes over the same storage. */
  crash(): void {
    this.#end();
    this.life = this.#wake();
  }

  input(message: string, more: Partial<RunInput> = {}): RunInput {
    const invocation_id = more.invocation_id ?? `inv_${crypto.randomUUID().slice(0, 8)}`;
    return {
      ...this.key,
      invocation_id,
      messages: [{ message_id: `msg_of_${invocation_id}`, content: message }],
      tool_results: [],
      resume: null,
      agent_id: null,
      model: null,
      max_steps: null,
      metadata: {},
      background: false,
      on_busy: "enqueue",
      client_tools: [],
      context: [],
      ...more,
    };
  }

  async accept(message: string, more: Partial<RunInput> = {}): Promise<Result<AcceptedRun>> {
    const accepted = await acceptRun(this.life, this.input(message, more), false);
    ensureRunning(this.life);
    return accepted;
  }

  /** Accepts and waits for the end of the run. */
  async run(message: string, more: Partial<RunInput> = {}): Promise<FakeReader> {
    const accepted = await this.accept(message, more);
    if (!accepted.ok) throw new Error(accepted.error.detail);
    return this.read({ invocation_id: accepted.value.run.invocation_id }).untilClosed();
  }

  read(request: Partial<StreamRequest> = {}): FakeReader {
    const reader = new FakeReader();
    const plan = planStream(this.life, { invocation_id: null, after: null, resync: false, ...request });
    if (!plan.ok) throw new Error(plan.error.detail);
    if (plan.value.kind === "whole") {
      reader.take(plan.value.text);
      reader.end("closed");
      return reader;
    }
    const decoder = new TextDecoder();
    this.life.readers.add(
      {
        write: async (bytes) => reader.take(decoder.decode(bytes)),
        close: async () => reader.end("closed"),
        abort: async () => reader.end("aborted"),
      },
      plan.value.request,
    );
    return reader;
  }

  #wake(): Life {
    let alive = true;
    const guard = (): void => {
      if (!alive) throw new Error("this life has ended");
    };
    this.#end = () => {
      alive = false;
    };
    const { sql, transaction } = this.#database;
    const database: Database = {
      sql: {
        exec: (query, ...bindings) => {
          guard();
          return sql.exec(query, ...bindings);
        },
      },
      transaction: (change) => {
        guard();
        return transaction(change);
      },
    };
    const life = wakeLife(database, this.#ports(guard), {
      waitUntil: () => {},
      setAlarm: async (at) => {
        this.alarms.push(at);
      },
      abort: () => {
        alive = false;
      },
    });
    if (life === null) throw new Error("the thread is not stored");
    return life;
  }

  #ports(guard: () => void): Ports {
    const model: Model = {
      stream: async (request, onDelta, signal) => {
        guard();
        this.requests.push(structuredClone(request));
        const next = this.replies.shift();
        if (next === undefined) throw new Error("the test has no more replies");
        return next(request, onDelta, signal);
      },
    };
    return {
      model,
      default_model: "test-model",
      tools: this.#options.tools ?? [],
      openSandbox: async () => this.sandbox,
      syncThread: async (batch) => {
        guard();
        await this.#options.syncThread?.(batch);
        this.batches.push(structuredClone(batch));
      },
      deleteThread: async () => {},
      readAgent: async (_user, agent_id) => (agent_id === defaultAgent.agent_id ? defaultAgent : null),
      sendJob: async (job) => {
        this.jobs.push(job);
      },
      clock,
    };
  }
}
