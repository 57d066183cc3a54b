// A thread without its platform: the functions of `src/thread` over an in-memory SQLite, a model that is a list of
// replies, and a D1 that is a list of batches. `crash` ends a life like a killed process: whatever it still does is
// lost.

import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import type { RunMirror } from "../../src/agent/mirror.ts";
import type { Model, ModelRequest } from "../../src/agent/model.ts";
import type { Tool } from "../../src/agent/tool.ts";
import type { ToolSource } from "../../src/agent/tool-source.ts";
import { noLimits, type OperatorLimits } from "../../src/config/limits.ts";
import type { ImageRules } from "../../src/lib/image-address.ts";
import { countImageAtMost } from "../../src/models/index.ts";
import { createXmlModel } from "../../src/models/xml/model.ts";
import type { SandboxMemory } from "../../src/projects/sandbox.ts";
import { type Agent, type AgentConfig, defaultAgent } from "../../src/protocol/agents/agent.ts";
import { fail, type Result, succeed } from "../../src/protocol/error.ts";
import type { Job } from "../../src/protocol/job.ts";
import type { BudgetScope, ClosedLease, LeaseAnswer, LeaseRequest } from "../../src/protocol/money/lease.ts";
import type { Price } from "../../src/protocol/money/price.ts";
import type { Project } from "../../src/protocol/project.ts";
import { type AcceptedRun, newRunInput, type RunInput, type ThreadKey } from "../../src/protocol/thread.ts";
import type { CallSlack } from "../../src/slack/api.ts";
import { createSlackMirror } from "../../src/slack/mirror.ts";
import type { ThreadBatch, ThreadEnd } from "../../src/store/batch.ts";
import type { EventDeliveries } from "../../src/store/webhooks/event-deliveries.ts";
import { onAlarm } from "../../src/thread/alarm.ts";
import { ensureFollowing } from "../../src/thread/follow/followers.ts";
import { acceptRun } from "../../src/thread/inbox/accept.ts";
import type { Life } from "../../src/thread/life.ts";
import { clock, type Ports } from "../../src/thread/ports.ts";
import { notePresence } from "../../src/thread/presence/leave.ts";
import { type Database, writeMeta } from "../../src/thread/rows/database.ts";
import { withLateTables } from "../../src/thread/rows/tables.ts";
import { ensureRunning } from "../../src/thread/run/run.ts";
import type { Clock } from "../../src/thread/stream/readers.ts";
import { planStream, type StreamRequest, watchIdle } from "../../src/thread/stream/streams.ts";
import { storeThread } from "../../src/thread/threads.ts";
import type { SharedCaps } from "../../src/thread/usage/state.ts";
import { wakeLife } from "../../src/thread/wake.ts";
import { clockOf } from "./life-clock.ts";
import type { Reply } from "./replies.ts";
import { openDatabase } from "./sqlite-database.ts";
import { FakeReader } from "./stream-reader.ts";

export interface FakeThreadOptions {
  replies?: Reply[];
  /** Instead of replies: real implementations. */
  models?: Ports["models"];
  /** Answers once `replies` is empty. A reply that depends on the messages alone serves any number of lives. */
  defaultReply?: Reply;
  tools?: Tool[];
  toolSources?: ToolSource[];
  /** The model's context; unlimited by default. */
  context_tokens?: number;
  /** Public addresses by default. */
  images?: Partial<ImageRules>;
  syncThread?: (batch: ThreadBatch) => Promise<unknown>;
  /** What followed from each batch. */
  eventDeliveries?: EventDeliveries;
  deleteThread?: (key: ThreadKey, leases: ClosedLease[], end: ThreadEnd) => Promise<void>;
  sendJob?: (job: Job) => Promise<void>;
  clock?: Clock;
  /** Overrides of the thread's agent. */
  agent?: Partial<AgentConfig>;
  /**
   * Whether models read the environment. By default the thread counts as introduced, so requests have only what was
   * said.
   */
  tells?: boolean;
  /** Ids of further agents. */
  agents?: string[];
  limits?: Partial<OperatorLimits>;
  interrupt_ms?: number;
  /** Slack alone by default. */
  mirrors?: RunMirror[];
  callSlack?: CallSlack;
  /** The bot's own user in that Slack. */
  bot?: string;
  /** Of each life. None by default. */
  traces?: () => Ports["traces"];
  /** Called around each transaction; true ends the life there, like a kill. */
  dies?: (when: "before" | "after") => boolean;
}

export class FakeThread {
  readonly key = { user_id: "user_1", thread_id: "thread_1" };
  readonly batches: ThreadBatch[] = [];
  /** The project's links in D1. */
  links = [{ port: 8000, url: "http://p.localhost/" }];
  /** What D1 says of API keys: all hold. */
  findEndedKeys = async (_key_ids: string[]): Promise<string[]> => [];
  /** The project in D1. */
  project: Project | null = null;
  /** In US dollars for a million tokens, by model. */
  prices: Record<string, Price> = {};
  /** What D1 says of the caps of the user and the project. */
  sharedCaps: SharedCaps | null = null;
  /** The caps over many threads. */
  budgetScopes = (_own: SharedCaps): BudgetScope[] => [];
  grantLease = async (_request: LeaseRequest): Promise<LeaseAnswer> => ({ kind: "closed" });
  readonly jobs: Job[] = [];
  readonly alarms: number[] = [];
  readonly replies: Reply[];
  readonly requests: ModelRequest[] = [];
  readonly sandbox = new MemorySandbox();
  /** What the object remembers of it. A test calls `remember` where a provider would have opened it. */
  sandboxMemory: SandboxMemory | null = null;
  /** For which key the active run works. */
  maker: () => string | null = () => null;
  /** Why lives were ended by their own code. */
  readonly aborts: string[] = [];
  /** Errors of work that nobody awaits. */
  readonly failures: unknown[] = [];
  life: Life;
  readonly #options: FakeThreadOptions;
  readonly #database = openDatabase();
  #pulse = { alive: true };
  #work: Promise<unknown>[] = [];

  constructor(options: FakeThreadOptions = {}) {
    this.#options = options;
    this.replies = options.replies ?? [];
    const creation = { ...this.key, project_id: null, title: null, agent_id: null, metadata: {}, request_id: "" };
    storeThread(this.#database, creation, (this.#options.clock ?? clock).now());
    const day = { date: "9999-12-31", time_zone: "UTC" };
    if (options.tells !== true) writeMeta(this.#database.sql, "environment_notes", { day, notes: [], sandbox: null });
    this.life = this.#wake();
  }

  /** Ends the life like a kill; the next one wakes over the same storage. */
  crash(): void {
    this.#pulse.alive = false;
    this.life = this.#wake();
  }

  get isAlive(): boolean {
    return this.#pulse.alive;
  }

  /** The alarm goes off; resolves when its work is done. */
  async alarm(): Promise<void> {
    this.#work = [];
    await onAlarm(this.life);
    await Promise.all(this.#work);
  }

  input(message: string, more: Partial<RunInput> = {}): RunInput {
    const invocation_id = more.invocation_id ?? `inv_${crypto.randomUUID().slice(0, 8)}`;
    return newRunInput({
      ...this.key,
      invocation_id,
      messages: [{ message_id: `msg_of_${invocation_id}`, content: message }],
      ...more,
    });
  }

  async accept(message: string, more: Partial<RunInput> = {}): Promise<Result<AcceptedRun>> {
    const accepted = await acceptRun(this.life, this.input(message, more), false);
    ensureRunning(this.life);
    ensureFollowing(this.life);
    notePresence(this.life, null);
    return accepted;
  }

  /** Accepts a run and waits for its end. */
  async run(message: string, more: Partial<RunInput> = {}): Promise<FakeReader> {
    const accepted = await this.accept(message, more);
    if (!accepted.ok) throw new Error(accepted.error.detail);
    return this.read({ invocation_id: accepted.value.run.invocation_id }).untilClosed();
  }

  read(request: Partial<StreamRequest> = {}): FakeReader {
    const reader = new FakeReader();
    const plan = planStream(this.life, { invocation_id: null, after: null, resync: false, ...request });
    if (!plan.ok) throw new Error(plan.error.detail);
    if (plan.value.kind !== "follow") {
      if (plan.value.kind === "whole") reader.take(plan.value.text);
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
    watchIdle(this.life);
    return reader;
  }

  get #agent(): Agent {
    return { ...defaultAgent, config: { ...defaultAgent.config, ...this.#options.agent } };
  }

  #wake(): Life {
    const pulse: Pulse = { alive: true };
    this.#pulse = pulse;
    const life = wakeLife(this.#databaseOf(pulse), this.#portsOf(pulse), {
      waitUntil: (promise) => {
        const work = promise.catch((error: unknown) => {
          if (pulse.alive) this.failures.push(error);
        });
        this.#work.push(work);
      },
      setAlarm: async (at) => {
        check(pulse);
        this.alarms.push(at);
      },
      abort: (reason) => {
        if (pulse.alive) this.aborts.push(reason);
        pulse.alive = false;
      },
    });
    if (life === null || life === "other_format") throw new Error("the thread is not stored");
    return life;
  }

  #databaseOf(pulse: Pulse): Database {
    const { bare, transaction } = this.#database;
    const dieWhen = (when: "before" | "after"): void => {
      if (this.#options.dies?.(when) === true) pulse.alive = false;
      check(pulse);
    };
    return {
      sql: withLateTables({
        exec: (query, ...bindings) => {
          check(pulse);
          return bare.exec(query, ...bindings);
        },
      }),
      transaction: (change) => {
        check(pulse);
        dieWhen("before");
        const value = transaction(change);
        dieWhen("after");
        return value;
      },
    };
  }

  get #slack(): RunMirror {
    return createSlackMirror(async () => {
      const call = this.#options.callSlack;
      if (call === undefined) return fail("not_found", "There is no Slack here.");
      const workspace = {
        user_id: this.key.user_id,
        team_id: "T1",
        team_name: null,
        bot_user_id: this.#options.bot ?? "UBOT",
        agent_id: null,
        project_id: null,
        created_at: "",
        updated_at: "",
        made_by: null,
      };
      return succeed({ workspace, call });
    });
  }

  #portsOf(pulse: Pulse): Ports {
    const model: Model = {
      stream: async (request, onDelta, signal) => {
        check(pulse);
        this.requests.push(structuredClone(request));
        const next = this.replies.shift() ?? this.#options.defaultReply;
        if (next === undefined) throw new Error("the test has no more replies");
        return next(request, onDelta, signal);
      },
    };
    return {
      models: this.#options.models ?? { native: () => model, xml: () => createXmlModel(model) },
      default_model: "test-model",
      limits: { ...noLimits, ...this.#options.limits },
      interrupt_ms: this.#options.interrupt_ms ?? null,
      contextTokens: () => this.#options.context_tokens ?? 100_000_000,
      imageTokens: countImageAtMost,
      priceOf: (model, extra_body) => this.prices[`${model} ${extra_body?.service_tier}`] ?? this.prices[model] ?? null,
      budgetScopes: (own) => this.budgetScopes(own),
      grantLease: async (request) => {
        check(pulse);
        const answer = await this.grantLease(request);
        check(pulse);
        return answer;
      },
      takeUse: async () => null,
      askAddress: async () => ({ ok: false, refused: true, message: "Nothing is asked in tests." }),
      othersAtWork: async () => false,
      images: { image_urls: "public", private_urls_allowed: false, ...this.#options.images },
      tools: this.#options.tools ?? [],
      toolSources: this.#options.toolSources ?? [],
      openSandbox: async (_thread, _onState, memory, maker = () => null) => {
        this.sandboxMemory = memory;
        this.maker = maker;
        return this.sandbox;
      },
      syncThread: async (batch) => {
        check(pulse);
        await this.#options.syncThread?.(batch);
        this.batches.push(structuredClone(batch));
        return this.#options.eventDeliveries ?? { made: [], tasks_subscribed: false };
      },
      deleteThread: async (key, leases, end) => this.#options.deleteThread?.(key, leases, end),
      readCutoff: async () => null,
      readAgent: async (_user, agent_id) => {
        const known = [defaultAgent.agent_id, ...(this.#options.agents ?? [])];
        const caps = this.sharedCaps === null ? {} : { caps: this.sharedCaps };
        return known.includes(agent_id) ? { ...this.#agent, agent_id, ...caps } : null;
      },
      knownNetwork: () => undefined,
      readProject: async () => this.project,
      readPreviews: async () => this.links,
      findEndedKeys: (_user, key_ids) => this.findEndedKeys(key_ids),
      sendJob: async (job) => {
        check(pulse);
        await this.#options.sendJob?.(job);
        this.jobs.push(job);
      },
      mirrors: (this.#options.mirrors ?? [this.#slack]).map((mirror) => mirrorOf(pulse, mirror)),
      sendJobs: async (jobs) => {
        check(pulse);
        this.jobs.push(...jobs);
      },
      clock: clockOf(pulse, this.#options.clock ?? clock),
      traces: this.#options.traces?.() ?? null,
    };
  }
}

/** One life. */
interface Pulse {
  alive: boolean;
}

function check(pulse: Pulse): void {
  if (!pulse.alive) throw new Error("this life has ended");
}

/** A mirror for one life: its calls throw once that life has ended. */
function mirrorOf(pulse: Pulse, mirror: RunMirror): RunMirror {
  return {
    ...mirror,
    open: async (user_id, place) => {
      check(pulse);
      const opened = await mirror.open(user_id, place);
      if (!opened.ok) return opened;
      return succeed({
        next: (showing, now) => {
          check(pulse);
          const step = opened.value.next(showing, now);
          if (step.kind !== "call") return step;
          const send: typeof step.send = async (clock) => {
            const sent = await step.send(clock);
            check(pulse);
            return sent;
          };
          return { ...step, send };
        },
      });
    },
  };
}
