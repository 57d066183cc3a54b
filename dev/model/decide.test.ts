// The shop from request to link, and complete conversations against simulated tools: each comes to an end, whatever the
// tools return.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Content, loadContent } from "./content.ts";
import {
  callsOf,
  PlanBook,
  pretend,
  type Rehearsed,
  rehearse,
  say,
  type ToolTable,
  type WireMessage,
} from "./rehearsal.ts";

let content: Content;
beforeAll(async () => {
  content = await loadContent();
});

async function play(messages: WireMessage[], tools = pretend(), book = new PlanBook()): Promise<Rehearsed> {
  return rehearse({ content, messages, book, tools });
}

describe("an online shop", () => {
  it.each([
    ["帮我做一个电商网站", ["需求分析", "开发阶段", "测试部署"]],
    ["build me an online shop", ["Requirements", "Development", "Testing and launch"]],
  ])("is planned, built task by task and delivered with a link: %s", async (request, sections) => {
    const book = new PlanBook();
    const played = await play(say(request), pretend(), book);
    expect(played.ended).toBe("complete");
    expect(book.plan.sections.map((section) => section.title)).toEqual(sections);
    expect([...book.history.values()]).toEqual(book.statuses().map(() => ["pending", "in_progress", "completed"]));
    expect(played.text).toContain("](http://3000-abc.localhost:8080/)");
    expect(played.text).toContain("16 passed, 0 failed");
    expect(played.text).toMatch(/脚本化演示模型|scripted demo model/);
    expect(played.messages[1]?.content).toMatch(/脚本化演示模型|scripted demo model/);
    expect(played.steps).toBeLessThanOrEqual(40);
  });

  it.each([
    "给我开发一个网上商店",
    "我想要一个商城网站",
    "Please create a small e-commerce site for my tea",
    "online store",
  ])("is recognized by another name: %s", async (request) => {
    const played = await play(say(request));
    expect(callsOf(played, "create_file").map((input) => input.path)).toContain("shop/server.js");
  });

  it("sends several calls in one message", async () => {
    const played = await play(say("build me an online shop"));
    const most = Math.max(...played.messages.map((message) => message.tool_calls?.length ?? 0));
    expect(most).toBeGreaterThanOrEqual(2);
  });

  it("is served by Python where there is no Node", async () => {
    const played = await play(say("build me an online shop"), pretend("Python 3.13.1"));
    const commands = callsOf(played, "execute_command").map((input) => String(input.command));
    expect(commands.some((command) => command.includes("python3 -m http.server 3000"))).toBe(true);
    expect(played.text).toContain("](http://3000-abc");
  });

  it("is not called online where nothing can run it", async () => {
    const book = new PlanBook();
    const played = await play(say("build me an online shop"), pretend("no runtime"), book);
    expect(played.ended).toBe("complete");
    expect(played.text).toContain("not done: Test every function, Put it online");
    expect(book.statuses().filter((status) => status === "cancelled")).toHaveLength(2);
  });

  it("says that it is done, reads what the server saw, and fixes it before it says so again", async () => {
    const book = new PlanBook();
    const played = await play(say("build me an online shop"), pretend(), book);
    const at = (words: string) => played.messages.findIndex(({ content }) => content?.includes(words));
    const [claimed, refused, mended, right] = [
      "I have not run it",
      "Not completed: the server ran the checks",
      'it is not: "FAIL shipping is free from the promised sum on"',
      "Everything holds: 16 passed, 0 failed",
    ].map(at);
    expect([claimed, refused, mended, right].toSorted((one = 0, other = 0) => one - other)).toEqual([
      ...[claimed, refused, mended, right],
    ]);
    expect(claimed).toBeGreaterThan(0);
    expect(callsOf(played, "edit_file")[0]).toMatchObject({ path: "shop/lib/store.js" });
    expect(book.history.get("Test every function")).toEqual(["pending", "in_progress", "completed"]);
  });

  it("gives the task up if the server sees the same twice", async () => {
    const tools = pretend();
    const usual = tools.execute_command;
    tools.execute_command = (input) =>
      String(input.command).includes("[ -e check.js ]") ? "exit code: 1\n15 passed, 1 failed" : (usual?.(input) ?? "");
    const played = await play(say("build me an online shop"), tools);
    expect(played.ended).toBe("complete");
    expect(played.text).toContain("not done: Test every function");
  });

  it("uses the next port when the first was taken meanwhile", async () => {
    const tools = pretend();
    const usual = tools.execute_command;
    tools.execute_command = (input) => {
      const isVisit = /fetch\('http:\/\/127\.0\.0\.1:3000\//.test(String(input.command));
      return isVisit ? "exit code: 1\nno answer" : (usual?.(input) ?? "");
    };
    const played = await play(say("build me an online shop"), tools);
    expect(played.text).toContain("](http://3001-abc");
  });

  it("reports that a failing check failed", async () => {
    const tools = pretend();
    const usual = tools.execute_command;
    tools.execute_command = (input) =>
      String(input.command).endsWith("node check.js") ? "exit code: 1\n14 passed, 2 failed" : (usual?.(input) ?? "");
    const played = await play(say("build me an online shop"), tools);
    expect(played.ended).toBe("complete");
    expect(played.text).toContain("not done: Test every function");
  });
});

describe("a conversation", () => {
  const requests = [
    "帮我做一个电商网站",
    "build me an online shop",
    "写一份关于远程办公的研究报告",
    "organize my photo archive, then back it up",
  ];

  it.each(requests)("ends when every tool fails: %s", async (request) => {
    const failing = Object.fromEntries(
      Object.keys(pretend()).map((name) => [name, () => "Error: the sandbox is gone"]),
    );
    const played = await play(say(request), failing);
    expect(played.ended).toBe("complete");
    expect(played.text).toMatch(/没有|not done|not complete/);
  });

  it.each(requests)("ends when the plan fails: %s", async (request) => {
    for (const name of ["create_tasks", "update_tasks"]) {
      const played = await play(say(request), { ...pretend(), [name]: () => "Error: storage is full" });
      expect(played.ended).toBe("text");
      expect(played.text).toContain("storage is full");
      expect(played.steps).toBeLessThan(10);
    }
  });

  it("ends whatever single calls return", async () => {
    const answer = fc.constantFrom(
      "ok",
      "exit code: 0\nok",
      "exit code: 1\nbad",
      "Error: no",
      "",
      "{}",
      '{"error":"x"}',
      "exit code: 0\nfree port 3005",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...requests),
        fc.array(answer, { minLength: 1, maxLength: 12 }),
        async (request, answers) => {
          let next = 0;
          const random = () => answers[next++ % answers.length] ?? "";
          const tools = Object.fromEntries(Object.keys(pretend()).map((name) => [name, random]));
          const played = await play(say(request), tools);
          expect(played.ended).toBe("complete");
        },
      ),
      { numRuns: 60 },
    );
  });

  it("ends although the middle of the messages is missing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...requests), fc.nat(60), async (request, place) => {
        const book = new PlanBook();
        const half = await rehearse({
          content,
          messages: say(request),
          book,
          tools: pretend(),
          max_steps: 1 + (place % 30),
        });
        const from = half.messages.findLastIndex((message) => message.role === "assistant");
        const kept = half.messages
          .slice(from - (place % 2 === 0 ? 0 : half.messages.length))
          .filter((message) => message.role !== "user");
        const played = await play([...say(request), ...kept], pretend(), book);
        expect(["complete", "text"]).toContain(played.ended);
      }),
      { numRuns: 60 },
    );
  });

  it("ends when `complete` is refused", async () => {
    const played = await play(say("build me an online shop"), { ...pretend(), complete: () => "Error: no" });
    expect(played.ended).toBe("text");
    expect(played.text).toContain("](http://3000-abc");
  });

  it("carries a plan out without the tools that are missing", async () => {
    const { create_file, execute_command } = pretend();
    const played = await play(say("build me an online shop"), { create_file, execute_command } as ToolTable);
    expect(played.ended).toBe("complete");
    expect(played.text).not.toContain("](http");
  });

  it("does a task that a person added to the plan", async () => {
    const book = new PlanBook();
    const tools = pretend();
    const usual = tools.list_files;
    tools.list_files = (input) => {
      book.plan.sections.at(-1)?.tasks.push({ id: "task_new", content: "Write a privacy notice", status: "pending" });
      book.history.set("Write a privacy notice", ["pending"]);
      return usual?.(input) ?? "";
    };
    const played = await play(say("build me an online shop"), tools, book);
    expect(played.ended).toBe("complete");
    expect(book.history.get("Write a privacy notice")).toEqual(["pending", "in_progress", "completed"]);
  });

  it("views the plan when the messages were shortened, and continues it", async () => {
    const book = new PlanBook();
    await book
      .tools()
      .create_tasks?.({ sections: [{ title: "Testing and launch", tasks: ["Test every function", "Put it online"] }] });
    const played = await play(say("build me an online shop"), pretend(), book);
    expect(callsOf(played, "view_tasks")).toHaveLength(1);
    expect(callsOf(played, "create_tasks")).toHaveLength(0);
    expect(book.statuses()).toEqual(["completed", "completed"]);
  });
});
