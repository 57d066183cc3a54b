// The whole product beside servers that refuse what providers refuse: a person asks for something real, and each model
// plans it and finishes, also when the object's life ends on the way. The servers are reached by the model's name alone.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { play, taskIds } from "../contract/models/conversation.ts";
import { providers } from "../contract/models/providers/index.ts";
import { openStrictServer, type StrictServer } from "../contract/models/server.ts";
import { listen, type StrictAddress } from "../contract/models/tcp.ts";
import type { PlannedReply, Provider, WireRequest } from "../contract/models/wire.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";

/** The others want the key in another header, or need a setting that says which operation they have. */
const known = providers.filter(
  ({ profile, api }) => profile !== "azure" && profile !== "ai-gateway" && api === undefined,
);
const CANARY = "canary-in-a-thought";

const servers = new Map<string, StrictServer>();
/** What happens before the reply with a number, by model. */
const moments = new Map<string, (turn: number) => Promise<unknown> | undefined>();
let address: StrictAddress;
let taskloom: MortalTaskloom;

beforeAll(async () => {
  for (const provider of known) servers.set(provider.model, open(provider));
  address = await listen(servers);
  taskloom = await startMortalTaskloom({ OPENAI_BASE_URL: address.base_url });
});

afterAll(async () => {
  await taskloom.close();
  await address.close();
});

function open(provider: Provider): StrictServer {
  const script = play(...shop());
  // A reply that is lost with its life is asked for again.
  const done = new Map<number, PlannedReply>();
  const server = openStrictServer(provider, (request) => {
    const turn = countReplies(request);
    const reply = done.get(turn) ?? script(request, turn);
    done.set(turn, reply);
    return reply;
  });
  const ask: typeof fetch = async (input, init) => {
    const answered = await server.fetch(input, init);
    if (answered.ok) await moments.get(provider.model)?.(server.accepted.length);
    return answered;
  };
  return { ...server, fetch: ask };
}

function countReplies({ messages }: WireRequest): number {
  return messages.filter(({ role, tool_calls }) => role === "assistant" && tool_calls !== undefined).length;
}

/** Plans two tasks, looks at the list three times at once, and finishes. It needs no sandbox. */
function shop(): Parameters<typeof play> {
  const end = (at: number) => (request: WireRequest) => ({
    reasoning: `${CANARY} task ${at}`,
    calls: [{ name: "update_tasks", arguments: { task_ids: [taskIds(request)[at]], status: "completed" } }],
  });
  const view = (n: number) => ({ name: "read_result", arguments: { result_id: `none_${n}` } });
  return [
    {
      reasoning: `${CANARY} plan`,
      calls: [{ name: "create_tasks", arguments: { sections: [{ title: "Shop", tasks: ["Page", "Check"] }] } }],
    },
    { reasoning: `${CANARY} three at once`, text: "I look.", calls: [view(1), view(2), view(3)] },
    end(0),
    end(1),
    { reasoning: `${CANARY} end`, calls: [{ name: "complete", arguments: { summary: "The shop is ready." } }] },
  ];
}

async function run(thread: string, model: string): Promise<Run> {
  const path = `/v1/threads/${thread}/runs`;
  await taskloom.request("POST", path, { message: "build me an online shop", invocation_id: `inv-${thread}`, model });
  const read = () => taskloom.json<Run>("GET", `${path}/inv-${thread}`);
  await expect.poll(async () => (await read()).status, { timeout: 30_000 }).not.toMatch(/queued|running/);
  return read();
}

describe.each(known.map((provider, at) => [provider.model, provider, `shop-${at}`] as const))(
  "%s",
  (model, _provider, thread) => {
    it("plans and finishes over HTTP, also when the object's life ends before its third reply", async () => {
      const server = servers.get(model) as StrictServer;
      let isEnded = false;
      moments.set(model, (accepted) => {
        if (accepted !== 3 || isEnded) return undefined;
        isEnded = true;
        return taskloom.endLife(thread);
      });
      const ended = await run(thread, model);
      // One refusal may say which operation has the model, and another one that an organization gets no summary.
      const refused = server.refused.map(({ rule }) => rule).filter((rule) => !/a summary/.test(rule));
      expect(refused.slice(1)).toEqual([]);
      expect(ended).toMatchObject({ status: "completed", result: { text: "The shop is ready.", unfinished_tasks: 0 } });
      expect(ended.attempt).toBe(2);
      const path = `/v1/threads/${thread}`;
      const rows = await taskloom.json<{ data: { content: unknown; metadata: Record<string, unknown> }[] }>(
        "GET",
        `${path}/messages`,
      );
      // Readers see reasoning as reasoning, and nothing else of it.
      const shown = rows.data.map(({ content, metadata: { reasoning: _, ...rest } }) => ({ content, rest }));
      expect(JSON.stringify(shown)).not.toMatch(/canary|thought_signature|reasoning_details|<think/);
    });
  },
);
