// Makes the ports from the settings: the one place that knows all implementations (models, tools, sandboxes, mirrors).
// Ports are made once per life, since objects of one isolate share module scope, but not I/O.
import type { PublicAnswer } from "../agent/checks/run/ports.ts";
import type { NetworkRules } from "../agent/context/environment.ts";
import type { RunMirror } from "../agent/mirror.ts";
import type { Model, ModelMemory } from "../agent/model.ts";
import { type OnSandboxState, type Sandbox, SandboxError } from "../agent/sandbox.ts";
import type { Tool } from "../agent/tool.ts";
import type { ToolSource } from "../agent/tool-source.ts";
import { budgetScopes, type OwnCaps } from "../budgets/scopes.ts";
import type { OperatorLimits } from "../config/limits.ts";
import type { Config } from "../config.ts";
import { hashText, toHex } from "../lib/hash.ts";
import type { ImageRules } from "../lib/image-address.ts";
import { describeError, logWarning } from "../lib/log.ts";
import { sendThrough } from "../lib/network/send.ts";
import { withinTime } from "../lib/time-limit.ts";
import { createMirrors } from "../mirrors.ts";
import { countImageAtMost, createModels, findCallPrice, findContextTokens } from "../models/index.ts";
import { openProjectSandbox, type SandboxMemory } from "../projects/sandbox.ts";
import type { AgentConfig } from "../protocol/agents/agent.ts";
import type { Failure } from "../protocol/error.ts";
import type { Job } from "../protocol/job.ts";
import type { SentImage } from "../protocol/message.ts";
import type { BudgetScope, ClosedLease, LeaseAnswer, LeaseRequest } from "../protocol/money/lease.ts";
import type { Price } from "../protocol/money/price.ts";
import type { Project } from "../protocol/project.ts";
import type { Thread, ThreadKey } from "../protocol/thread.ts";
import { describeMissing, findProvider, type SandboxProvider } from "../sandboxes/index.ts";
import { readStartingAgent, type StartingAgent } from "../store/agents/versions.ts";
import { findEndedKeys } from "../store/api-keys.ts";
import type { ThreadBatch, ThreadEnd } from "../store/batch.ts";
import { grantLease } from "../store/budgets/grant.ts";
import { hasOthersAtWork } from "../store/projects/at-work.ts";
import { listPreviews } from "../store/projects/previews.ts";
import { readProject } from "../store/projects/projects.ts";
import { usualOf } from "../store/quotas/held.ts";
import { takeUse } from "../store/quotas/uses.ts";
import { readCutoff } from "../store/retention/cutoff.ts";
import { deleteThread } from "../store/retention/removal.ts";
import { type SyncAnswer, syncThread } from "../store/sync.ts";
import { createAskAddress, createToolSources, createTools } from "../tools/index.ts";
import { openTracing } from "../traces/open.ts";
import type { Tracing } from "../traces/tracing.ts";
import { agentMemory } from "./agent-memory.ts";
import { scopeCommands } from "./command-scope.ts";
import { sendJobs } from "./jobs.ts";
import { lazySandbox } from "./lazy-sandbox.ts";
import type { Clock } from "./stream/readers.ts";

/** What a thread knows of its project. */
export interface ProjectOrigin {
  /** When the thread made the project. Null if it was there before the thread. */
  made_at: string | null;
  /** Called when D1 does not have the project. */
  onUnknown(): void;
}

/** What the thread's object needs from outside. Methods that return a promise may reject, and callers handle it. */
export interface Ports {
  /** The agent's `tool_format` chooses a run's model, which learns into the thread's memory. */
  models: Record<AgentConfig["tool_format"], (memory: ModelMemory) => Model>;
  /** The model's name if neither the run nor the agent names one. */
  default_model: string;
  /** How many tokens a model reads and writes in one call. */
  contextTokens(model: string): number;
  /** What a model's tokens cost in a call that has these fields of its agent; null if nobody has said. */
  priceOf(model: string, extra_body?: Record<string, unknown>): Price | null;
  /** How many tokens the model's provider counts at most for an image. */
  imageTokens(model: string, image: SentImage): number;
  /** Which images a message may have, and a model may get. */
  images: ImageRules;
  /** What a public address answers, for a user's checks. Rejects only with the signal's reason. */
  askAddress(user_id: string, address: string, signal: AbortSignal): Promise<PublicAnswer>;
  /** Whether other threads of the project have worked since then, as D1 knows. Rejects after three seconds. */
  othersAtWork(key: ThreadKey, project_id: string, since: number): Promise<boolean>;
  /** The server's own tools. */
  tools: Tool[];
  /** Sources of tools that others describe. */
  toolSources: ToolSource[];
  /** What the operator bounds, whatever an agent or a run says. */
  limits: OperatorLimits;
  /** How long a person may take to answer. Null means no limit. */
  interrupt_ms: number | null;
  /**
   * The sandbox of the thread's project. Nothing is created before its first use. `maker`: for which key a run works;
   * `invocation_id`: which run works.
   */
  openSandbox(
    thread: Thread,
    onState: OnSandboxState,
    memory: SandboxMemory,
    maker?: () => string | null,
    invocation_id?: () => string | null,
    origin?: ProjectOrigin,
  ): Promise<Sandbox>;
  syncThread(batch: ThreadBatch): Promise<SyncAnswer>;
  /** Its runs give back `leases`. */
  deleteThread(key: ThreadKey, leases: ClosedLease[], end: ThreadEnd): Promise<void>;
  /** Up to when the thread's activity must lie for it to be too old, as the rules are now; null if none makes it old. */
  readCutoff(key: ThreadKey, at: number): Promise<string | null>;
  /** The agent in the version that new runs begin with, and the caps of the user and the project. No promise if known. */
  readAgent(
    user_id: string,
    agent_id: string,
    project_id: string | null,
  ): StartingAgent | Promise<StartingAgent | null>;
  /** What the project's settings say of the network, if they were read with the agent a moment ago. */
  knownNetwork(user_id: string, agent_id: string, project_id: string): NetworkRules | undefined;
  /** The caps over many threads that a run counts for, with those of the settings. */
  budgetScopes(own: OwnCaps, user_id: string, project_id: string, now: number): BudgetScope[];
  /** Grants a part of the caps over many threads. Repeated with the same `lease_id`, it grants the same. */
  grantLease(request: LeaseRequest): Promise<LeaseAnswer>;
  /** Counts one of what the user may use in a day, or says why not. Never rejects. */
  takeUse(user_id: string): Promise<Failure | null>;
  /** Null if D1 does not have it, as one that was just made. */
  readProject(user_id: string, project_id: string): Promise<Project | null>;
  /** The valid preview links to ports of the project's sandbox. */
  readPreviews(user_id: string, project_id: string): Promise<{ port: number; url: string }[]>;
  /** Those of the keys that no longer hold. */
  findEndedKeys(user_id: string, key_ids: string[]): Promise<string[]>;
  sendJob(job: Job): Promise<void>;
  /** Sends any number of jobs. */
  sendJobs(jobs: Job[]): Promise<void>;
  /** All mirrors, which show runs on other platforms. */
  mirrors: RunMirror[];
  clock: Clock;
  /** Traces the runs of a life. Null or absent while that is off. */
  traces?: Tracing | null;
}

export const clock: Clock = {
  now: () => Date.now(),
  setTimer: (callback, ms) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export function createPorts(
  config: Config,
  database: D1Database,
  jobs: Queue<unknown>,
  network?: Fetcher,
  provider = findProvider(config),
): Ports {
  const take = (user_id: string) => takeOrPass({ config, database }, user_id);
  const askAddress = createAskAddress(config, { send: sendThrough(network) });
  return {
    models: createModels(config.models),
    default_model: config.models.default_model ?? "none",
    contextTokens: (model) => findContextTokens(config.models, model),
    priceOf: (model, extra_body) => findCallPrice(config.models, model, extra_body),
    imageTokens: countImageAtMost,
    budgetScopes: (own, user_id, project_id, now) => budgetScopes(config, own, user_id, project_id, now),
    grantLease: (request) => grantLease(database, request),
    takeUse: take,
    images: { image_urls: config.image_urls, private_urls_allowed: config.private_urls_allowed },
    askAddress: (user_id, address, signal) => askAddress(address, { user_id, takeUse: () => take(user_id) }, signal),
    othersAtWork: (key, project_id, since) =>
      withinTime(clock, LOOK_MS, "D1", hasOthersAtWork(database, key, project_id, since)),
    tools: createTools(config, sendThrough(network)),
    toolSources: createToolSources(config),
    limits: config.limits,
    interrupt_ms: config.interrupt_ms,
    openSandbox: async (thread, onState, memory, maker, invocation_id, origin) =>
      lazySandbox(
        rememberSettings({ config, database, provider, thread, maker, invocation_id, origin }, onState, memory),
      ),
    syncThread: (batch) => syncThread(database, batch),
    deleteThread: (key, leases, end) => deleteThread(database, key, Date.now(), leases, end),
    readCutoff: (key, at) => readCutoff(database, key, config.retention_days, at),
    readAgent: (user_id, agent_id, project_id) =>
      agentMemory.read(user_id, agent_id, project_id, (known) => readStartingAgent(database, user_id, agent_id, known)),
    knownNetwork: (user_id, agent_id, project_id) => agentMemory.peek(user_id, agent_id, project_id)?.network,
    readProject: (user_id, project_id) => readProject(database, user_id, project_id),
    readPreviews: (user_id, project_id) => listPreviews(database, user_id, project_id, clock.now()),
    findEndedKeys: (user_id, key_ids) => findEndedKeys(database, user_id, key_ids, clock.now()),
    sendJob: async (job) => {
      await jobs.send(job);
    },
    mirrors: createMirrors(config, database),
    sendJobs: (list) => sendJobs(jobs, list),
    clock,
    traces: openTracing(config, clock),
  };
}

/** What is asked for a receipt, which has a reason without it. */
const LOOK_MS = 3_000;

/** D1 answers in a few milliseconds. A search must not wait for one that is away, nor be refused by it. */
const USE_MS = 1_000;

async function takeOrPass(
  { config, database }: { config: Config; database: D1Database },
  user_id: string,
): Promise<Failure | null> {
  try {
    const asked = takeUse(database, user_id, "lookups_per_day", clock.now(), usualOf(config));
    const refusal = await withinTime(clock, USE_MS, "D1", asked);
    if (refusal !== null) logWarning("quota_exceeded", { user_id, quota: "lookups_per_day" });
    return refusal;
  } catch (error) {
    logWarning("use_not_counted", { user_id, quota: "lookups_per_day", error: describeError(error) });
    return null;
  }
}

interface ThreadPlace {
  config: Config;
  database: D1Database;
  provider: SandboxProvider | null;
  thread: Thread;
  maker: (() => string | null) | undefined;
  invocation_id: (() => string | null) | undefined;
  origin: ProjectOrigin | undefined;
}

/**
 * Opens the sandbox. The former one stays in use if the project's settings are the same, since it has a connection and
 * knows its commands.
 */
function rememberSettings(
  { provider, thread, maker = () => null, invocation_id = () => null, origin, ...world }: ThreadPlace,
  onState: OnSandboxState,
  memory: SandboxMemory,
): (former: Sandbox | null) => Promise<Sandbox> {
  let settings = "";
  return async (former) => {
    const { user_id, project_id, thread_id } = thread;
    const project = await readProject(world.database, user_id, project_id);
    const asked = JSON.stringify([project?.sandbox, project?.git]);
    if (former !== null && asked === settings) return former;
    if (project === null) origin?.onUnknown();
    // Not the thread's own time: a sandbox with another one would be deleted as that of a deleted project.
    const created_at = project?.created_at ?? origin?.made_at ?? null;
    if (provider === null) throw new SandboxError("unavailable", describeMissing());
    const run = () => ({ thread_id, invocation_id: invocation_id() ?? "" });
    const place = { ...world, provider, user_id, project_id, project, created_at, maker, run };
    const sandbox = await openProjectSandbox(place, onState, memory);
    settings = asked;
    return scopeCommands(sandbox, toHex(await hashText(thread_id)).slice(0, 8));
  };
}
