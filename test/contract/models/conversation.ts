// Whole conversations of a real thread with strict servers: the thread's rows, the loop, the plan's tools and the
// models are the real ones; only the servers and the tool for work are not.

import { z } from "zod";
import type { Model, ModelMemory } from "../../../src/agent/model.ts";
import type { Tool } from "../../../src/agent/tool.ts";
import { models } from "../../../src/models/index.ts";
import { forgetRules } from "../../../src/models/profiles/rules.ts";
import { writeCalls } from "../../../src/models/xml/history.ts";
import type { AgentConfig } from "../../../src/protocol/agents/agent.ts";
import type { RunInput } from "../../../src/protocol/thread.ts";
import { ensureRunning } from "../../../src/thread/run/run.ts";
import type { Clock } from "../../../src/thread/stream/readers.ts";
import { peopleTools } from "../../../src/tools/people.ts";
import { taskTools } from "../../../src/tools/tasks.ts";
import { makeTool } from "../../fakes/scripted-run.ts";
import { taskIdsIn } from "../../fakes/task-ids.ts";
import { FakeThread } from "../../fakes/thread.ts";
import { openStrictServer, type Script, type StrictServer } from "./server.ts";
import { type PlannedReply, type Provider, textOf, type WireRequest } from "./wire.ts";

/** A strict server and how the product reaches it. */
export interface Connection {
  provider: Provider;
  server: StrictServer;
  /** What an operator would set. */
  base_url: string;
  model: string;
  /** The name that runs of a test give this server and model. */
  name: string;
  profile: string | null;
  api: "responses" | null;
  api_key: string;
  gateway_token: string;
}

export interface ConnectionOptions {
  /** An address that says nothing of the provider. */
  base_url?: string;
  model?: string;
  /** The setting MODEL_PROFILE. */
  profile?: string | null;
}

/** Connections so far: one test may open several to one model. */
let opened = 0;

/** Their addresses say nothing, so people name them in MODEL_PROFILE. */
const named = new Set(["litellm", "vllm", "llama-cpp", "ollama"]);

export function openConnection(provider: Provider, script: Script, options: ConnectionOptions = {}): Connection {
  const { base_url = provider.base_url, model = provider.model } = options;
  return {
    provider,
    server: openStrictServer(provider, script),
    base_url,
    model,
    name: `connection ${++opened}: ${model}`,
    profile: options.profile === undefined ? (named.has(provider.profile) ? provider.profile : null) : options.profile,
    api: provider.api ?? null,
    api_key: `key-${crypto.randomUUID()}`,
    gateway_token: `token-${crypto.randomUUID()}`,
  };
}

export interface ConversationOptions {
  context_tokens?: number;
  /** What the tool for work returns. */
  work?: (input: { n: number }) => string;
  agent?: Partial<AgentConfig>;
}

/** Back-off takes no time. */
const hastyClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, ms) {
    const timer = setTimeout(callback, ms < BACKOFF_LIMIT_MS ? 0 : ms);
    return () => clearTimeout(timer);
  },
};
const BACKOFF_LIMIT_MS = 1000;

export class Conversation {
  readonly thread: FakeThread;
  #crashed = Promise.withResolvers<void>();
  /** Calls of the tool for work. */
  readonly worked: number[] = [];

  /** As in a new isolate: what others have learned is not known. */
  constructor(connections: Connection[], { context_tokens, work = () => "worked", agent }: ConversationOptions = {}) {
    forgetRules();
    const tool = makeTool("work", {
      schema: z.object({ n: z.number() }),
      read_only: true,
      execute: async (input: unknown) => {
        const { n } = input as { n: number };
        this.worked.push(n);
        return { content: work({ n }), is_error: false };
      },
    });
    this.thread = new FakeThread({
      clock: hastyClock,
      tools: [...taskTools, ...peopleTools, tool] as Tool[],
      ...(context_tokens === undefined ? {} : { context_tokens }),
      ...(agent === undefined ? {} : { agent }),
      models: { native: openModels("native", connections), xml: openModels("xml", connections) },
    });
  }

  /** The life ends here, in a new isolate the next one continues. */
  crash(): void {
    this.thread.crash();
    forgetRules();
    this.#crashed.resolve();
    this.#crashed = Promise.withResolvers<void>();
  }

  /** Sends a message and waits until the thread rests. Returns how the run ended. */
  async say(
    content: RunInput["messages"][number]["content"],
    model: string,
  ): Promise<{ status: string; error: unknown; text: string | null; usage: unknown }> {
    const invocation_id = `inv_${crypto.randomUUID().slice(0, 8)}`;
    const messages = [{ message_id: `msg_of_${invocation_id}`, content }];
    const accepted = await this.thread.accept("", { invocation_id, messages, model });
    if (!accepted.ok) throw new Error(accepted.error.detail);
    let { life } = this.thread;
    while (life.active !== null) {
      await Promise.race([life.active.done, this.#crashed.promise]);
      ({ life } = this.thread);
      ensureRunning(life);
    }
    const [row] = life.database.sql
      .exec<{ run: string }>("SELECT run FROM runs WHERE invocation_id = ?", invocation_id)
      .toArray();
    const run = JSON.parse(row?.run ?? "null");
    return { status: run.status, error: run.error, text: run.result?.text ?? null, usage: run.usage };
  }

  get plan(): { content: string; status: string }[] {
    return this.thread.life.state.plan.tasks.map(({ content, status }) => ({ content, status }));
  }

  /** Extras that the object keeps, as text. */
  get extras(): string[] {
    return this.thread.life.database.sql
      .exec<{ content: string }>("SELECT content FROM reply_extras ORDER BY seq")
      .toArray()
      .map(({ content }) => content);
  }
}

/** The model of each connection, by the name that runs give it. */
function openModels(format: AgentConfig["tool_format"], connections: Connection[]): (memory: ModelMemory) => Model {
  return (memory) => {
    const byName = new Map(connections.map((connection) => [connection.name, openModel(format, connection, memory)]));
    return {
      stream: (request, onDelta, signal) => (byName.get(request.model) as Model).stream(request, onDelta, signal),
    };
  };
}

function openModel(
  format: AgentConfig["tool_format"],
  { server, model, ...options }: Connection,
  memory: ModelMemory,
): Model {
  const real = models[format]({ ...options, fetch: server.fetch, memory });
  return { stream: (request, onDelta, signal) => real.stream({ ...request, model }, onDelta, signal) };
}

/** Ids of the plan's tasks as the model has seen them. */
export function taskIds({ messages }: WireRequest): string[] {
  const seen = messages.filter(({ role }) => role === "tool" || role === "user").map(textOf);
  return taskIdsIn(seen.join("\n"));
}

/** A script that plays replies in turn. What is left over after the last is a text. */
export function play(...replies: (PlannedReply | ((request: WireRequest) => PlannedReply))[]): Script {
  return (request, turn) => {
    const next = replies[turn] ?? { text: "There is nothing more to say." };
    return {
      usage: { input: 1000 + turn, output: 20, cached: 500 },
      ...(typeof next === "function" ? next(request) : next),
    };
  };
}

const work = (n: number) => ({ name: "work", arguments: { n } });

/**
 * Plans two tasks and works through them: three tools in parallel, and one reply that breaks off. `mark` is in every
 * thought.
 */
export function buildShop(mark: string): Parameters<typeof play> {
  const done = (at: number) => (request: WireRequest) => ({
    reasoning: `${mark} task ${at} is done`,
    calls: [{ name: "update_tasks", arguments: { task_ids: [taskIds(request)[at]], status: "completed" } }],
  });
  return [
    {
      reasoning: `${mark} a plan comes first`,
      calls: [
        { name: "create_tasks", arguments: { sections: [{ title: "Shop", tasks: ["Write the page", "Check it"] }] } },
      ],
    },
    { reasoning: `${mark} three things at once`, text: "I write three files.", calls: [work(1), work(2), work(3)] },
    { reasoning: `${mark} this reply breaks off`, text: "It was writ", cut_after: 2 },
    done(0),
    { reasoning: `${mark} now the check`, calls: [work(4)] },
    done(1),
    { reasoning: `${mark} all is done`, calls: [{ name: "complete", arguments: { summary: "The shop is ready." } }] },
  ];
}

/** The same with calls in the text, as a model without native ones writes them. */
export function inXml(replies: Parameters<typeof play>): Parameters<typeof play> {
  return replies.map((reply) => (request) => {
    const { calls, text = "", ...rest } = typeof reply === "function" ? reply(request) : reply;
    if (calls === undefined) return { ...rest, text };
    const tool_calls = calls.map(({ name, arguments: input }) => ({
      id: "",
      type: "function" as const,
      function: { name, arguments: JSON.stringify(input) },
    }));
    return { ...rest, text: `${text}\n\n${writeCalls(tool_calls)}` };
  });
}
