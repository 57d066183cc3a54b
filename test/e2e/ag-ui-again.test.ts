// Asking again and editing with AG-UI's own clients, in the form in which CopilotKit and assistant-ui do it: they cut the
// agent's messages and run it.
import { HttpAgent } from "@ag-ui/client";
import { HttpAgent as EarlierAgent } from "ag-ui-client-059";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTaskloom, type Taskloom } from "./harness.ts";

let taskloom: Taskloom;

beforeAll(async () => {
  taskloom = await startTaskloom();
});
afterAll(async () => {
  await taskloom.close();
});

interface Said {
  id: string;
  role: string;
  content?: unknown;
}

/** What of an agent is the same in both versions. */
interface Agent {
  messages: Said[];
  state: unknown;
  addMessage(message: { id: string; role: "user"; content: string }): void;
  setMessages(messages: never[]): void;
  runAgent(parameters: { runId: string; forwardedProps?: unknown }): Promise<unknown>;
}

const clients: [string, (threadId: string, query?: string) => Agent][] = [
  ["1.0.0", (...place) => new HttpAgent(optionsOf(...place)) as Agent],
  ["0.0.59", (...place) => new EarlierAgent(optionsOf(...place)) as Agent],
];

function optionsOf(threadId: string, query = "") {
  return { url: `${taskloom.url}/ag-ui${query}`, threadId, headers: { authorization: `Bearer ${taskloom.key}` } };
}

let runs = 0;

async function say(agent: Agent, id: string, text: string): Promise<void> {
  agent.addMessage({ id, role: "user", content: `[[text ${text}]]` });
  await run(agent);
}

async function run(agent: Agent): Promise<void> {
  await agent.runAgent({ runId: `run-${++runs}` });
}

/** As CopilotKit's `reloadMessages`: everything up to the person's message before the reply. */
function reload(agent: Agent, place: number): Promise<void> {
  agent.setMessages(agent.messages.slice(0, place) as never[]);
  return run(agent);
}

const texts = (messages: Said[]) => messages.map(({ content }) => String(content).replace(/\[\[text (\w+)\]\]/, "$1"));

/** What the server has. */
async function stored(thread: string): Promise<string[]> {
  const path = `/v1/threads/${thread}/messages?type=user,assistant&limit=200`;
  const { data } = await taskloom.json<{ data: { content: Said }[] }>("GET", path);
  return texts(data.map(({ content }) => content));
}

describe.each(clients)("HttpAgent %s", (version, make) => {
  const name = `again-${version.replaceAll(".", "-")}`;

  it("asks the last and an earlier message again", async () => {
    const agent = make(`${name}-a`);
    await say(agent, "m1", "one");
    await say(agent, "m2", "two");
    const before = agent.messages.map(({ id }) => id);
    await reload(agent, 3);
    expect(texts(agent.messages)).toEqual(["one", "one", "two", "two"]);
    expect(agent.messages[3]?.id).not.toBe(before[3]);
    expect(await stored(`${name}-a`)).toEqual(["one", "one", "two", "two"]);
    await reload(agent, 1);
    expect(await stored(`${name}-a`)).toEqual(["one", "one"]);
    await say(agent, "m3", "three");
    expect(texts(agent.messages)).toEqual(["one", "one", "three", "three"]);
    expect(await stored(`${name}-a`)).toEqual(["one", "one", "three", "three"]);
  });

  it("edits a message under a new id, as assistant-ui does, and under its own", async () => {
    const agent = make(`${name}-b`);
    await say(agent, "m1", "one");
    await say(agent, "m2", "two");
    agent.setMessages(agent.messages.slice(0, 2) as never[]);
    await say(agent, "m9", "nine");
    expect(texts(agent.messages)).toEqual(["one", "one", "nine", "nine"]);
    expect(await stored(`${name}-b`)).toEqual(["one", "one", "nine", "nine"]);
    agent.setMessages([] as never[]);
    await say(agent, "m1", "other");
    expect(await stored(`${name}-b`)).toEqual(["other", "other"]);
    await say(agent, "m3", "three");
    expect(await stored(`${name}-b`)).toEqual(["other", "other", "three", "three"]);
  });

  it.each([
    ["says in its address that it sends the whole history", "?whole_history=1", ["nine", "nine"]],
    ["does not say so", "", ["one", "one", "nine", "nine"]],
  ])("that %s edits the first message under a new id, or adds to the thread", async (_name, query, expected) => {
    const thread = `${name}-first${query.length}`;
    const agent = make(thread, query);
    await say(agent, "m1", "one");
    agent.setMessages([] as never[]);
    await say(agent, "m9", "nine");
    expect(await stored(thread)).toEqual(expected);
  });

  it("has the plan back as it was before the turn", async () => {
    const agent = make(`${name}-c`);
    await say(agent, "m1", "one");
    const made = JSON.stringify({ sections: [{ title: "Shop", tasks: ["Draw the cart"] }] });
    const before = JSON.stringify((agent.state as { plan: { sections: unknown } }).plan.sections);
    agent.addMessage({ id: "m2", role: "user", content: `[[tool create_tasks ${made}]] [[then]] [[text done]]` });
    await run(agent);
    expect(JSON.stringify(agent.state)).toContain("Draw the cart");
    const place = agent.messages.findIndex(({ id }) => id === "m2");
    agent.setMessages(agent.messages.slice(0, place) as never[]);
    await say(agent, "m3", "never mind");
    expect(JSON.stringify((agent.state as { plan: { sections: unknown } }).plan.sections)).toBe(before);
  });
});
