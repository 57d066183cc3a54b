// How the script respects a person's decision: it never repeats a declined call, and it works through the plan as the
// person changed it.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Content, loadContent } from "./content.ts";
import { callsOf, PlanBook, pretend, type Rehearsed, rehearse, say, type ToolTable } from "./rehearsal.ts";
import { readResult } from "./result.ts";

let content: Content;
beforeAll(async () => {
  content = await loadContent();
});

function play(request: string, tools: ToolTable, book = new PlanBook()): Promise<Rehearsed> {
  return rehearse({ content, messages: say(request), book, tools: { ...pretend(), ...tools } });
}

const declined =
  "declined: the person did not approve this call, so it was not made. Don't make it again in this or another form: go on without it, or ask what they want instead.";
const waits =
  "not executed: a call before it waits for the person's approval. Call it again after that, if it is still right.";
const requests = [
  "帮我做一个电商网站",
  "build me an online shop",
  "write a report on tea",
  "organize my photos, then back up",
];

describe("a declined plan", () => {
  it.each(requests)("is not proposed again: %s", async (request) => {
    const played = await play(request, { create_tasks: () => declined.replace("call", "plan") });
    expect(played.ended).toBe("text");
    expect(callsOf(played, "create_tasks")).toHaveLength(1);
    expect(played.steps).toBe(2);
    expect(played.text).toMatch(/不执行|not carried out/);
  });
});

describe("a declined call", () => {
  it("is not made again; its task is left out, and the work continues", async () => {
    const book = new PlanBook();
    const tools: ToolTable = {
      execute_command: ({ command }) =>
        String(command).endsWith("node check.js") ? declined : (pretend().execute_command?.({ command }) ?? ""),
    };
    const played = await play("build me an online shop", tools, book);
    const checks = callsOf(played, "execute_command").filter(({ command }) =>
      String(command).endsWith("node check.js"),
    );
    expect(checks).toHaveLength(1);
    expect(played.ended).toBe("complete");
    expect(book.statuses().filter((status) => status === "cancelled")).toHaveLength(1);
    expect(played.text).toContain("not done: Test every function");
    expect(played.messages.some(({ content: text }) => text?.includes("You did not approve this"))).toBe(true);
  });

  it.each(requests)("is the last one at the second time: the person is asked no more: %s", async (request) => {
    const tools = Object.fromEntries(Object.keys(pretend()).map((name) => [name, () => declined]));
    const book = new PlanBook();
    const played = await play(request, tools, book);
    expect(played.ended).toBe("complete");
    expect(new Set(book.statuses())).toEqual(new Set(["cancelled"]));
    const asking = played.messages.filter((message) =>
      message.tool_calls?.some((call) => !/_tasks$|^complete$/.test(call.function.name)),
    );
    expect(asking).toHaveLength(2);
    expect(played.text).toMatch(/所以我停下了|so I stopped/);
  });

  it.each(["update_tasks", "complete", "ask"])("is not made again: %s", async (name) => {
    const request = name === "ask" ? "build a website" : "write a report on tea";
    const played = await play(request, { [name]: () => "Error: The person did not answer this question." });
    expect(callsOf(played, name).length).toBeLessThanOrEqual(2);
    expect(played.ended).toBe("text");
  });
});

describe("a call that waited for the approval of another", () => {
  it("is made again alone, and once", async () => {
    const book = new PlanBook();
    const files = new Map<string, number>();
    // How often each call has to wait behind another call of its message.
    const waiting = new Map([
      ["shop/server.js", 1],
      ["shop/docs/database.md", 1],
      ["shop/public/art.js", 1],
    ]);
    const tools: ToolTable = {
      create_file: ({ path }) => {
        const name = String(path);
        const left = waiting.get(name) ?? 0;
        waiting.set(name, left - 1);
        if (left > 0) return waits;
        files.set(name, (files.get(name) ?? 0) + 1);
        return `Wrote ${name} (120 bytes).`;
      },
    };
    const played = await play("build me an online shop", tools, book);
    expect(played.ended).toBe("complete");
    expect([...files.values()].every((times) => times === 1)).toBe(true);
    expect(new Set(book.statuses())).toEqual(new Set(["completed"]));
    expect(played.messages.some(({ content: text }) => text === "Now what had to wait.")).toBe(true);
  });

  it("is given up where it would wait for ever", async () => {
    const played = await play("build me an online shop", { create_file: () => waits });
    expect(played.ended).toBe("complete");
  });
});

describe("a changed plan", () => {
  it("is worked through as the person changed it, whatever its tasks", async () => {
    const book = new PlanBook();
    const sections = [
      { title: "My way", tasks: ["Choose the stack", "Paint the <b>door</b> & rm -rf /", "测试"] },
      { title: "Last", tasks: ["Write a privacy notice"] },
    ];
    const tools: ToolTable = {
      create_tasks: async () => (await book.tools().create_tasks?.({ sections })) ?? "",
    };
    const played = await play("build me an online shop", tools, book);
    expect(played.ended).toBe("complete");
    expect(book.statuses()).toEqual(Array(4).fill("completed"));
    expect(callsOf(played, "create_tasks")).toHaveLength(1);
  });

  it("comes to an end with any tasks", async () => {
    const text = fc.string({ minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...requests), fc.uniqueArray(text, { maxLength: 6 }), async (request, tasks) => {
        const book = new PlanBook();
        const tools: ToolTable = {
          create_tasks: () => book.tools().create_tasks?.({ sections: [{ title: "S", tasks }] }) ?? "",
        };
        const played = await play(request, tools, book);
        expect(played.ended).toBe("complete");
        expect(book.statuses()).toEqual(Array(tasks.length).fill("completed"));
      }),
      { numRuns: 40 },
    );
  });
});

describe("a decline", () => {
  it.each([
    declined,
    `${declined} They said: not on my machine`,
    "Error: The person declined this call: no.",
    "The user did not approve the plan.",
    "The person did not answer this question.",
  ])("is recognized in %s", (text) => {
    expect(readResult("execute_command", text)).toMatchObject({ ok: false, declined: true });
  });

  it("is not seen where a person only changed the call", () => {
    const changed = '(The person approved this call with other arguments: {"command":"ls error denied"})\nexit code: 0';
    expect(readResult("execute_command", changed)).toEqual({ ok: true, text: "exit code: 0" });
    const written = '(The person approved this call with other arguments: {"path":"error.md"})\nWrote error.md.';
    expect(readResult("create_file", written.replace("Wrote error", "Wrote x")).ok).toBe(true);
  });

  it.each(["exit code: 0\nThe person declined", "The personal page. It was declined", "Rejected: 3", "# The person"])(
    "is not read from %s",
    (text) => {
      expect(readResult("execute_command", text).declined).toBeUndefined();
    },
  );
});
