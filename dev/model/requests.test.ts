// Every kind of request, and what a person may say next in the same thread.
import { beforeAll, describe, expect, it } from "vitest";
import { type Content, loadContent } from "./content.ts";
import { callsOf, PlanBook, pretend, type Rehearsed, rehearse, say, type WireMessage } from "./rehearsal.ts";

let content: Content;
beforeAll(async () => {
  content = await loadContent();
});

async function play(messages: WireMessage[], tools = pretend(), book = new PlanBook()): Promise<Rehearsed> {
  return rehearse({ content, messages, book, tools });
}

describe("a request that is not a shop", () => {
  it.each([
    ["写一份关于远程办公的研究报告", "远程办公", "zh"],
    ["调研一下新能源汽车市场", "新能源汽车市场", "zh"],
    ["write a research report on remote work in Europe", "remote work in Europe", "en"],
  ])("for a report is answered with files about its topic: %s", async (request, topic, language) => {
    const played = await play(say(request));
    const files = callsOf(played, "create_file");
    expect(played.ended).toBe("complete");
    expect(files.map((file) => String(file.path).split("/").at(-1))).toEqual(["notes.md", "analysis.md", "report.md"]);
    expect(String(files[2]?.content)).toContain(topic);
    expect(String(files[2]?.content)).toContain(language === "zh" ? "演示材料" : "demo material");
    expect(
      callsOf(played, "execute_command")
        .map((input) => String(input.command))
        .join(),
    ).toContain("wc -");
  });

  it("that lists steps gets them as its tasks", async () => {
    const book = new PlanBook();
    const played = await play(
      say("Please set up my project: 1. create the folder 2. write the config 3. add a licence"),
      pretend(),
      book,
    );
    expect(played.ended).toBe("complete");
    expect(book.plan.sections[1]?.tasks.map((task) => task.content)).toEqual([
      "create the folder",
      "write the config",
      "add a licence",
    ]);
  });

  it.each([
    "hello",
    "你好",
    "who are you?",
    "谢谢",
    "What is the capital of France?",
    "怎么做一个电商网站？",
    "what can you do?",
  ])("of small talk gets a plain answer that names the script: %s", async (request) => {
    const played = await play(say(request));
    expect(played).toMatchObject({ ended: "text", steps: 1 });
    expect(played.text).toMatch(/脚本化演示模型|scripted demo model/);
  });

  it.each([
    ["2 + 3 * 4", "14"],
    ["what is (1.5 + 2) * -2?", "-7"],
    ["计算 12×12", "144"],
  ])("with a sum gets its result: %s", async (request, value) => {
    expect((await play(say(request))).text).toContain(`**${value}**`);
  });

  it("that is vague leads to one question, and the answer decides", async () => {
    const asked = await play(say("做一个网站"));
    expect(asked.ended).toBe("ask");
    const played = await play(say("做一个网站"), { ...pretend(), ask: () => "网上商店" });
    expect(callsOf(played, "ask")).toHaveLength(1);
    expect(callsOf(played, "create_file").map((input) => input.path)).toContain("shop/server.js");
    expect(played.messages[1]?.tool_calls?.[0]?.function.arguments).toContain("choices");
  });

  it("may be answered in the person's next message", async () => {
    const asked = await play(say("ask me a question first"), pretend());
    const ask = asked.messages.at(-1)?.tool_calls?.[0];
    const answered = { role: "tool", content: "the person wrote instead", tool_call_id: ask?.id };
    const played = await play([...asked.messages, answered, ...say("Research report")]);
    expect(played.ended).toBe("complete");
    expect(played.text).toContain("report.md");
  });

  it("leads to a question in plain text where the tool for it is missing, and understands the answer", async () => {
    const first = await play(say("做一个网站"), { ...pretend(), ask: () => "Error: not offered" });
    expect(first.ended).toBe("text");
    const played = await play([...first.messages, ...say("网上商店")]);
    expect(callsOf(played, "create_file").map((input) => input.path)).toContain("shop/server.js");
  });
});

describe("a later message in the same thread", () => {
  it("gets a short answer to thanks and requested changes, and a new plan for a new project", async () => {
    const book = new PlanBook();
    const first = await play(say("帮我做一个电商网站"), pretend(), book);
    for (const words of ["谢谢", "再加一个优惠券功能"]) {
      const reply = await play([...first.messages, ...say(words)], pretend(), book);
      expect(reply).toMatchObject({ ended: "text", steps: 1 });
    }
    const second = await play([...first.messages, ...say("再帮我写一份关于茶叶的研究报告")], pretend(), book);
    expect(second.ended).toBe("complete");
    expect(second.text).toContain("茶叶");
    expect(book.plan.sections).toHaveLength(7);
    expect(new Set(book.statuses())).toEqual(new Set(["completed"]));
  });

  async function playHalf(book: PlanBook): Promise<WireMessage[]> {
    const played = await rehearse({
      content,
      messages: say("build me an online shop"),
      book,
      tools: pretend(),
      max_steps: 12,
    });
    expect(played.ended).toBe("too long");
    return played.messages;
  }

  it("continues the work when it says so", async () => {
    const book = new PlanBook();
    const played = await play([...(await playHalf(book)), ...say("continue")], pretend(), book);
    expect(played.ended).toBe("complete");
    expect(new Set(book.statuses())).toEqual(new Set(["completed"]));
    expect(callsOf(played, "create_tasks")).toHaveLength(1);
  });

  it("during the work is acknowledged, and the work continues", async () => {
    const book = new PlanBook();
    const half = await playHalf(book);
    const played = await play([...half, ...say("use blue, please")], pretend(), book);
    expect(played.messages[half.length + 1]?.content).toContain("use blue, please");
    expect(played.ended).toBe("complete");
    expect(new Set(book.statuses())).toEqual(new Set(["completed"]));
  });

  it("stops the work when it says so", async () => {
    const book = new PlanBook();
    const played = await play([...(await playHalf(book)), ...say("stop")], pretend(), book);
    expect(played.steps).toBe(2);
    expect(book.statuses().filter((status) => status === "cancelled").length).toBeGreaterThan(3);
  });

  it("closes the tasks of a cancelled plan before a new one", async () => {
    const book = new PlanBook();
    const half = await playHalf(book);
    half.push(...say("", "I was cancelled").slice(1));
    const played = await play([...half, ...say("write a research report on tea")], pretend(), book);
    expect(played.ended).toBe("complete");
    expect(played.text).toContain("tea");
    expect(book.statuses()).not.toContain("pending");
    expect(book.statuses()).toContain("cancelled");
  });
});
