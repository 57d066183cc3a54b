// What the object of a contract's world requests from the outside. Each request waits until the script settles it, and
// may happen after the life that made it has ended.
import { z } from "zod";
import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import { defineTool, type Tool } from "../../src/agent/tool.ts";
import { noLimits } from "../../src/config/limits.ts";
import type { Config } from "../../src/config.ts";
import { defaultAgent } from "../../src/protocol/agents/agent.ts";
import type { Job } from "../../src/protocol/job.ts";
import { deleteThread } from "../../src/store/retention/removal.ts";
import { syncThread } from "../../src/store/sync.ts";
import type { Ports } from "../../src/thread/ports.ts";
import { peopleTools } from "../../src/tools/people.ts";
import { taskTools } from "../../src/tools/tasks.ts";
import { clockOf } from "./life-clock.ts";
import type { ObjectWorld, Pulse } from "./object-world.ts";
import { createPacedModel } from "./paced-model.ts";
import type { SqliteD1 } from "./sqlite-d1.ts";

interface Surroundings {
  object: ObjectWorld;
  d1: SqliteD1;
  jobs: Job[];
  /** How often each call of the tool that works was executed. */
  worked: Map<string, number>;
}

export function contractPorts(world: Surroundings, pulse: Pulse): Ports {
  const { object, d1, jobs } = world;
  const model = createPacedModel((signal) => object.ask("model", pulse, () => undefined, signal));
  return {
    models: { native: () => model, xml: () => model },
    default_model: "test-model",
    limits: noLimits,
    interrupt_ms: null,
    contextTokens: () => 128_000,
    priceOf: () => null,
    imageTokens: () => 1_500,
    budgetScopes: () => [],
    grantLease: async () => ({ kind: "closed" }),
    takeUse: async () => null,
    askAddress: async () => ({ ok: false, refused: true, message: "Nothing is asked in tests." }),
    othersAtWork: async () => false,
    images: { image_urls: "public", private_urls_allowed: false },
    tools: [...taskTools, ...peopleTools, workTool(world, pulse)],
    toolSources: [],
    openSandbox: async () => new MemorySandbox(),
    syncThread: (batch) => {
      const sent = structuredClone(batch);
      return object.ask("d1", pulse, () => syncThread(d1.binding, sent));
    },
    deleteThread: (key, leases, end) =>
      object.ask("d1", pulse, () => deleteThread(d1.binding, key, object.clock.now(), leases, end)),
    readCutoff: async () => null,
    readAgent: (_user, agent_id) =>
      object.ask("agent", pulse, () => (agent_id === defaultAgent.agent_id ? defaultAgent : null)),
    knownNetwork: () => undefined,
    readProject: async () => null,
    readPreviews: async () => [],
    findEndedKeys: async () => [],
    sendJob: (job) => object.ask("queue", pulse, () => void jobs.push(job)),
    mirrors: [],
    // The clock finds what these would have sent: none arrives.
    sendJobs: async () => {},
    clock: clockOf(pulse, object.clock),
  };
}

function workTool({ object, worked }: Surroundings, pulse: Pulse): Tool {
  return defineTool({
    name: "work",
    description: "Works.",
    schema: z.object({}),
    kind: "work",
    read_only: false,
    recovery: "report",
    time_limit_ms: 600_000,
    execute: async (_input, { tool_call_id, signal }) => {
      const work = () => worked.set(tool_call_id, (worked.get(tool_call_id) ?? 0) + 1);
      await object.ask("tool", pulse, work, signal);
      return { content: "worked", is_error: false };
    },
  });
}

/** Stands in for `createPorts` in a test: the ports take the place of the database. */
export function givenPorts(_config: Config, database: D1Database): Ports {
  return database as unknown as Ports;
}
