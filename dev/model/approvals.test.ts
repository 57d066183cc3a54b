// The manners of the script where a person has the last word: what they decline is not asked again, and the plan that they
// made of its proposal is the one that is worked through.
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

const declined = "The person declined this call: not on my machine.";
const requests = [
  "帮我做一个电商网站",
  "build me an online shop",
  "write a report on tea",
  "organize my photos, then back up",
];

describe("a declined plan", () => {
  it.each(requests)("is not proposed again: %s", async (request) => {
    const played = await play(request, { create_tasks: () => "The person declined this plan: too long." });
    expect(played.ended).toBe("text");
    expect(callsOf(played, "create_tasks")).toHaveLength(1);
    expect(played.steps).toBe(2);
    expect(played.text).toMatch(/不执行|not carried out/);
  });
});

describe("a declined call", () => {
  it("is not made again; its task is left out, and the work goes on", async () => {
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

  it.each(requests)("is the last but one: after a second the person is asked no more: %s", async (request) => {
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

  it.each(["update_tasks", "complete", "ask"])("is not made again where it is %s", async (name) => {
    const request = name === "ask" ? "build a website" : "write a report on tea";
    const played = await play(request, { [name]: () => "Error: The person did not answer this question." });
    expect(callsOf(played, name).length).toBeLessThanOrEqual(2);
    expect(played.ended).toBe("text");
  });
});

describe("a changed plan", () => {
  it("is worked through as it came back, whatever its tasks", async () => {
    const book = new PlanBook();
    const sections = [
      { title: "My way", tasks: ["Choose the stack", "Paint the <b>door</b> & rm -rf /", "测试"] },
      { title: "Last", tasks: ["Write a privacy notice"] },
    ];
    const tools: ToolTable = {
      create_tasks: async () =>
        `The person changed the plan. It now is:\n${await book.tools().create_tasks?.({ sections })}`,
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

describe("a person's no", () => {
  it.each([
    "The person declined this call.",
    "Error: The person declined this call: no.",
    "The user did not approve the plan.",
    "The person did not answer this question.",
    "Declined by the person: later.",
    '{"approved":false,"reason":"no"}',
  ])("is read from %s", (text) => {
    expect(readResult("execute_command", text)).toMatchObject({ ok: false, declined: true });
  });

  it.each(["exit code: 0\nThe person declined", "The personal page. It was declined", "Rejected: 3", "# The person"])(
    "is not read from %s",
    (text) => {
      expect(readResult("execute_command", text).declined).toBeUndefined();
    },
  );
});
