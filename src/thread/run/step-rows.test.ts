// What a step writes: a reply, the starts of its calls and their results, in as few transactions and rows as what is
// asked outside of the thread allows.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { defineTool, type Tool } from "../../agent/tool.ts";
import { taskTools } from "../../tools/tasks.ts";

const run = { invocation_id: "inv_a" };

/** What was stored at each transaction: how many replies and results, and which calls had started. */
interface Stored {
  replies: number;
  results: number;
  started: string[];
}

class Watched {
  readonly thread: FakeThread;
  readonly transactions: Stored[] = [];

  constructor(tools: Tool[], replies: ConstructorParameters<typeof FakeThread>[0]) {
    const dies = (when: "before" | "after"): boolean => {
      if (when === "after" && this.thread !== undefined) this.transactions.push(this.stored);
      return false;
    };
    this.thread = new FakeThread({ ...replies, tools, dies });
  }

  get stored(): Stored {
    const { sql } = this.thread.life.database;
    const [row] = sql.exec<{ started_calls: string }>("SELECT started_calls FROM runs").toArray();
    const started = JSON.parse(row?.started_calls ?? "[]") as { id: string }[];
    const count = (type: string): number =>
      sql.exec<{ count: number }>("SELECT count(*) AS count FROM messages WHERE type = ?", type).toArray()[0]?.count ??
      0;
    return { replies: count("assistant"), results: count("tool"), started: started.map(({ id }) => id) };
  }
}

/** A reply with calls `call_1`, `call_2` and so on. */
function calls(...names: string[]): Reply {
  return call(...names.map((name, place) => ({ id: `call_${place + 1}`, name, input: {} })));
}

function outside(name: string, execute: () => Promise<string>, options: Partial<Tool> = {}): Tool {
  return defineTool({
    name,
    description: "Asks something outside.",
    schema: z.object({}),
    kind: "memory",
    read_only: true,
    recovery: "report",
    time_limit_ms: 10_000,
    execute: async () => ({ content: await execute(), is_error: false }),
    ...options,
  });
}

describe("a step", () => {
  it("whose call asks nothing outside is one transaction, with one row of the run and one of the journal", async () => {
    const replies = [calls("view_tasks"), say("done")];
    const watched = new Watched(taskTools, { replies });
    const { thread } = watched;
    const versions: number[] = [];
    await thread.run("hi", run);
    const at = watched.transactions.findIndex(({ results }) => results === 1);
    expect(watched.transactions[at - 1]).toMatchObject({ replies: 0, results: 0 });
    expect(watched.transactions[at]).toEqual({ replies: 1, results: 1, started: [] });
    const { sql } = thread.life.database;
    const rows = sql.exec<{ events: string }>("SELECT events FROM journal ORDER BY seq").toArray();
    const types = rows.map(({ events }) =>
      (JSON.parse(events) as ({ type: string } | null)[]).map((each) => each?.type),
    );
    expect(types).toEqual([
      ["RUN_STARTED", "STATE_SNAPSHOT"],
      ["TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT"],
      ["TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED"],
    ]);
    for (const { version } of sql.exec<{ version: number }>("SELECT version FROM runs").toArray())
      versions.push(version);
    // Accepted, the step, the end.
    expect(versions).toEqual([3]);
  });

  it("has its reply and the starts of its calls stored, in one transaction, before anything outside is asked", async () => {
    const seen: Stored[] = [];
    const look = async (): Promise<string> => {
      seen.push(watched.stored);
      return "seen";
    };
    const watched = new Watched([outside("look", look)], { replies: [calls("look", "look"), say("done")] });
    await watched.thread.run("hi", run);
    const begun = { replies: 1, results: 0, started: ["call_1", "call_2"] };
    expect(seen).toEqual([begun, begun]);
    const at = watched.transactions.findIndex(({ started }) => started.length > 0);
    expect(watched.transactions[at - 1]).toMatchObject({ replies: 0, started: [] });
    expect(watched.transactions[at]).toEqual(begun);
  });

  it("stores results that are ready together at once, and lets none of them wait for a slow one", async () => {
    const asked = Promise.withResolvers<void>();
    const slow = Promise.withResolvers<string>();
    const askSlowly = (): Promise<string> => {
      asked.resolve();
      return slow.promise;
    };
    const tools = [outside("quick", async () => "quick"), outside("slow", askSlowly)];
    const watched = new Watched(tools, { replies: [calls("quick", "quick", "slow", "quick"), say("done")] });
    const ended = watched.thread.run("hi", run);
    await asked.promise;
    await settle();
    expect(watched.stored).toEqual({ replies: 1, results: 2, started: ["call_3", "call_4"] });
    expect(watched.transactions.some(({ results }) => results === 1)).toBe(false);
    slow.resolve("slow");
    await ended;
    expect(watched.transactions.some(({ results }) => results === 3)).toBe(false);
    expect(watched.stored).toMatchObject({ results: 4, started: [] });
  });
});
