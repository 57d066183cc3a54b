import { afterEach, describe, expect, it, vi } from "vitest";
import { createTools } from "../../src/tools/index.ts";
import { resultsOf } from "../../test/fakes/answered-thread.ts";
import { call, say } from "../../test/fakes/replies.ts";
import { noSettings } from "../../test/fakes/settings.ts";
import { FakeThread, type FakeThreadOptions } from "../../test/fakes/thread.ts";
import { createListedTools, type ToolServer } from "./listed-tools.ts";

const search = {
  name: "search",
  title: "Search",
  description: "Search the notes.",
  inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
  annotations: { readOnlyHint: true },
};
const add = { ...search, name: "add", description: "Add a note." };

/** A server whose list and answers the test changes. */
class NotesServer implements ToolServer {
  readonly calls: unknown[] = [];
  pages: unknown[][];
  answer: unknown = {
    content: [
      { type: "text", text: "one note" },
      { type: "image", data: "…" },
    ],
  };

  constructor(...pages: unknown[][]) {
    this.pages = pages;
  }

  async listTools(cursor: string | undefined): Promise<unknown> {
    const page = Number(cursor ?? 0);
    const more = page + 1 < this.pages.length ? { nextCursor: String(page + 1) } : {};
    return { tools: this.pages[page], ...more };
  }

  async callTool(name: string, input: unknown): Promise<unknown> {
    this.calls.push({ name, input });
    return this.answer;
  }
}

function makeThread(servers: Record<string, ToolServer>, options: FakeThreadOptions = {}): FakeThread {
  const source = createListedTools("notes", ({ agent }) => servers[agent.agent_id] ?? null);
  const tools = createTools(noSettings);
  return new FakeThread({
    tools,
    toolSources: [source],
    defaultReply: say("done"),
    agents: ["writer", "reader"],
    ...options,
  });
}

/** The tools in a request, without the server's own. */
function offered(thread: FakeThread, at: number): string[] {
  const own = new Set(createTools(noSettings).map(({ name }) => name));
  return (thread.requests[at]?.tools ?? []).map(({ name }) => name).filter((name) => !own.has(name));
}

afterEach(() => vi.restoreAllMocks());

describe("tools of another server's list", () => {
  it("differ by agent, and change between two runs", async () => {
    const reader = new NotesServer([search]);
    const thread = makeThread({ reader, writer: new NotesServer([search], [add]) });
    await thread.run("hi", { agent_id: "reader" });
    await thread.run("hi", { agent_id: "writer" });
    reader.pages = [[add]];
    await thread.run("hi", { agent_id: "reader" });
    await thread.run("hi", { agent_id: "agent_default" });
    expect([0, 1, 2, 3].map((at) => offered(thread, at))).toEqual([
      ["notes_search"],
      ["notes_search", "notes_add"],
      ["notes_add"],
      [],
    ]);
    expect(thread.requests[0]?.tools.at(-1)).toEqual({
      name: "notes_search",
      description: "Search the notes.",
      parameters: search.inputSchema,
    });
  });

  it.each(["native", "xml"] as const)("are called with arguments that fit, by %s calls", async (tool_format) => {
    const server = new NotesServer([search]);
    const written =
      '<function_calls>\n<invoke name="notes_search">\n<parameter name="text">7</parameter>\n</invoke>\n</function_calls>';
    const first = tool_format === "xml" ? say(written) : call({ id: "c1", name: "notes_search", input: { text: "7" } });
    const thread = makeThread({ reader: server }, { replies: [first, say("done")], agent: { tool_format } });
    await thread.run("hi", { agent_id: "reader" });
    expect(server.calls).toEqual([{ name: "search", input: { text: "7" } }]);
    expect(Object.values(resultsOf(thread))).toEqual(["one note\n(image, not shown)"]);
  });

  it("are not called with arguments that don't fit, and the model reads what does", async () => {
    const server = new NotesServer([search]);
    const replies = [call({ id: "c1", name: "notes_search", input: { query: "x" } }), say("done")];
    const thread = makeThread({ reader: server }, { replies });
    await thread.run("hi", { agent_id: "reader" });
    expect(server.calls).toEqual([]);
    expect(resultsOf(thread).c1).toMatch(/don't fit.*\n- text: .*\nRequired: text \(string\)\. Optional: nothing\.$/);
  });

  it("answer with an error if the server does, or if its answer can't be read", async () => {
    const server = new NotesServer([search]);
    const thread = makeThread({ reader: server });
    for (const [id, answer] of Object.entries({
      c1: { content: [{ type: "text", text: "no such note" }], isError: true },
      c2: "<html>",
    })) {
      server.answer = answer;
      thread.replies.push(call({ id, name: "notes_search", input: { text: id } }));
      await thread.run("hi", { agent_id: "reader" });
    }
    expect(resultsOf(thread)).toEqual({
      c1: "no such note",
      c2: "notes gave no answer that can be read. The call may have happened.",
    });
  });

  it("are left out if a model can't be offered them, and an endless list is read for ten pages", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const odd = [
      { ...add, name: "no name" },
      { ...add, name: "text", inputSchema: { type: "string" } },
    ];
    const server = new NotesServer(
      [...odd, search],
      ...Array.from({ length: 20 }, (_, at) => [{ ...add, name: `add_${at}` }]),
    );
    const thread = makeThread({ reader: server });
    await thread.run("hi", { agent_id: "reader" });
    expect(offered(thread, 0)).toEqual(["notes_search", ...Array.from({ length: 9 }, (_, at) => `notes_add_${at}`)]);
  });

  it("are missing in a run whose list can't be read, and the run continues", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const thread = makeThread({ reader: new NotesServer([{ name: 7 }]) });
    await thread.run("hi", { agent_id: "reader" });
    expect(offered(thread, 0)).toEqual([]);
    expect(thread.requests[0]?.reminder).toContain("The tools of notes can't be reached");
  });
});
