import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Interrupt } from "../../protocol/run.ts";
import { actionKinds, encodeAction, readAction, type SlackAction, stopButton } from "./actions.ts";
import {
  askQuestions,
  type Block,
  canKeep,
  closeQuestions,
  closeShown,
  readAnswers,
  readLink,
  toResume,
} from "./questions.ts";

const question = (id: string, choices: string[] = [], message = `What about ${id}?`): Interrupt => ({
  id,
  reason: "question",
  message,
  tool_call_id: id,
  response_schema: choices.length > 0 ? { type: "string", enum: choices } : { type: "string" },
  expires_at: null,
});
const approval = (id: string, message = "execute_command: rm -rf build"): Interrupt => ({
  ...question(id, [], message),
  reason: "approval",
  response_schema: { type: "object" },
});
const run = (...interrupts: Interrupt[]) => ({
  thread_id: "thread_1",
  invocation_id: "inv_1",
  interrupts,
  web_url: null as string | null,
});

function buttonsOf(blocks: Block[]): { action_id: string; value: string; text: { text: string } }[] {
  return blocks.flatMap(({ accessory, elements }) =>
    [accessory, ...((elements as unknown[]) ?? [])].filter(
      (element) => (element as Block | undefined)?.type === "button",
    ),
  ) as ReturnType<typeof buttonsOf>;
}

describe("a message whose run no longer exists", () => {
  it("is shown without its buttons, in its language, whatever its blocks are", () => {
    const { blocks } = askQuestions(run(question("a", ["红", "蓝"], "什么颜色？"), approval("b")));
    const closed = closeShown(blocks);
    expect(buttonsOf(closed.blocks)).toEqual([]);
    expect(closed.text).toBe("什么颜色？");
    expect(JSON.stringify(closed.blocks)).toContain("该问题已关闭");
    const broken = JSON.parse('{"type":"section","text":{"text":{"toString":null}}}');
    expect(closeShown([broken, null, 7]).text).toBe("This is not open any more.");
    fc.assert(fc.property(fc.array(fc.anything()), (any) => void closeShown(any)));
  });
});

it("asks about finished work with yes and no, and names its tasks", () => {
  const check: Interrupt = {
    ...approval("v", "Is it readable?"),
    reason: "check",
    response_schema: { description: '"Paint it"' },
  };
  const { blocks } = askQuestions(run(check));
  expect(buttonsOf(blocks).map(({ text }) => text.text)).toEqual(["Yes", "No"]);
  expect(JSON.stringify(blocks[0])).toContain("Paint it");
  const given = new Map([["v", { text: "decline", by: "U1" }]]);
  expect(toResume(run(check), given)).toEqual([
    { interrupt_id: "v", status: "resolved", payload: { approved: false } },
  ]);
  expect(JSON.stringify(closeQuestions(run(check), given).blocks)).toContain("✓ No — <@U1>");
});

describe("a cap that was reached", () => {
  const budget = (message: string): Interrupt => ({
    ...approval("budget", message),
    reason: "budget",
    tool_call_id: "",
  });

  it("is raised or not by two buttons that say so, and a link to choose the number", () => {
    const asked = { ...run(budget("The agent's cap of $5 is used up.")), web_url: "https://app.example/#thread=t" };
    const { blocks } = askQuestions(asked);
    const texts = buttonsOf(blocks).map(({ text }) => text.text);
    expect(texts).toEqual(["Raise it and go on", "End", "Open in the web app"]);
    expect(buttonsOf(askQuestions(run(budget("上限已用完。"))).blocks).map(({ text }) => text.text)).toEqual([
      "提高上限并继续",
      "结束",
    ]);
    const answers = new Map([["budget", { text: "approve", by: "U1" }]]);
    expect(toResume(asked, answers)).toEqual([
      { interrupt_id: "budget", status: "resolved", payload: { approved: true } },
    ]);
    expect(JSON.stringify(closeQuestions(asked, answers).blocks)).toContain("✓ Continues — <@U1>");
  });
});

describe("an action", () => {
  const action = fc.record({
    kind: fc.constantFrom(...actionKinds),
    thread_id: fc.string({ minLength: 1, maxLength: 64 }),
    invocation_id: fc.string({ minLength: 1, maxLength: 64 }),
    interrupt_id: fc.string({ minLength: 1, maxLength: 100 }),
    place: fc.nat(19),
    text: fc.option(fc.string({ maxLength: 300 })),
    chosen_by: fc.option(fc.string({ maxLength: 20 })),
  });

  it("is decoded as it was encoded", () => {
    fc.assert(
      fc.property(action, (made) => {
        const given: SlackAction = made.kind === "stop" ? { ...made, interrupt_id: null } : made;
        const encoded = encodeAction(given);
        expect(encoded && readAction(encoded.action_id, encoded.value)).toEqual(given);
      }),
    );
  });

  it("is null for another app's button, a cut value or no value", () => {
    const value = JSON.stringify({ t: "a", r: "b", i: "c" });
    expect(readAction("taskloom:approve", value)).toMatchObject({ kind: "approve" });
    for (const [action_id, given] of [
      ["other:approve", value],
      ["taskloom:link", value],
      ["taskloom:", value],
      ["taskloom:stop", value],
      ["taskloom:choice:1", value],
      ["taskloom:approve", "{"],
      ["taskloom:approve", "null"],
      ["taskloom:approve", undefined],
      [7, value],
    ]) {
      expect(readAction(given === undefined ? "taskloom:approve" : action_id, given)).toBeNull();
    }
    fc.assert(fc.property(fc.anything(), fc.anything(), (one, other) => void readAction(one, other)));
  });

  it("is null if it does not fit into a button", () => {
    const more = { interrupt_id: "i", place: null, chosen_by: null };
    const long = { kind: "change", thread_id: "t", invocation_id: "r", text: "x".repeat(2000), ...more } as const;
    expect(encodeAction(long)).toBeNull();
    expect(stopButton("t", "r", "Stop")).toMatchObject({ action_id: "taskloom:stop", value: '{"t":"t","r":"r"}' });
  });
});

describe("the message with a run's questions", () => {
  it("has a row of buttons for each question, within Slack's limits", () => {
    const choices = Array.from({ length: 20 }, (_, place) => `${place} ${"long ".repeat(40)}`);
    const { blocks } = askQuestions(run(question("a", choices), question("b"), approval("c", "x".repeat(5000))));
    expect(blocks.map(({ block_id }) => block_id)).toEqual(
      [0, 1, 2].flatMap((place) => [`taskloom:asked:${place}`, `taskloom:open:${place}`]),
    );
    const buttons = buttonsOf(blocks);
    expect(buttons).toHaveLength(21 + 1 + 2);
    for (const { text, value, action_id } of buttons) {
      expect(text.text.length).toBeLessThanOrEqual(75);
      expect(value.length).toBeLessThanOrEqual(2000);
      expect(readAction(action_id, value)).toMatchObject({ thread_id: "thread_1", invocation_id: "inv_1" });
    }
    const texts = blocks.map(({ text }) => String((text as Block | undefined)?.text ?? ""));
    expect(Math.max(...texts.map(({ length }) => length))).toBe(3000);
  });

  it("keeps answers in its buttons until all questions are answered", () => {
    const asked = run(question("a", ["red", "blue"]), question("b"), approval("c"));
    const answers = new Map([
      ["a", { text: "blue", by: "U1" }],
      ["b", { text: "<!channel> & more", by: "U2" }],
    ]);
    const { blocks } = askQuestions(asked, answers);
    expect(readAnswers(asked, blocks)).toEqual(answers);
    expect(toResume(asked, answers)).toBeNull();
    expect(JSON.stringify(blocks)).toContain("&lt;!channel&gt; &amp; more — <@U2>");
    answers.set("c", { text: "approve", by: "U3" });
    expect(toResume(asked, answers)).toEqual([
      { interrupt_id: "a", status: "resolved", payload: "blue" },
      { interrupt_id: "b", status: "resolved", payload: "<!channel> & more" },
      { interrupt_id: "c", status: "resolved", payload: { approved: true } },
    ]);
    expect(buttonsOf(closeQuestions(asked, answers).blocks)).toEqual([]);
  });

  it("ignores answers of another run", () => {
    const { blocks } = askQuestions(
      { ...run(approval("a")), invocation_id: "inv_2" },
      new Map([["a", { text: "approve", by: "U1" }]]),
    );
    expect(readAnswers(run(approval("a")), blocks).size).toBe(0);
  });

  it("links to the web page if the questions do not fit into a message", () => {
    const web_url = "https://taskloom.example/#thread";
    const many = Array.from({ length: 11 }, (_, place) => question(`q${place}`));
    for (const asked of [run(...many), run(question("i".repeat(400)))]) {
      const { blocks } = askQuestions({ ...asked, web_url });
      expect(blocks).toHaveLength(1);
      expect(readLink(blocks)).toBe(web_url);
    }
  });

  it("stays within Slack's limit for all blocks, open and closed", () => {
    const ids = { thread_id: `thread_${"a".repeat(26)}`, invocation_id: `inv_${"a".repeat(26)}` };
    const choices = Array.from({ length: 24 }, (_, place) => `${place} ${"word ".repeat(12)}`);
    const web_url = "https://taskloom.example/#thread";
    for (const count of [1, 2, 3, 5, 10]) {
      const interrupts = Array.from({ length: count }, (_, place) =>
        question(`q${place}`, choices, "long ".repeat(500)),
      );
      const asked = { ...run(...interrupts), ...ids, web_url };
      const answers = new Map(interrupts.map(({ id }) => [id, { text: "&".repeat(500), by: "U1" }]));
      const open = askQuestions(asked);
      for (const { blocks } of [open, askQuestions(asked, answers), closeQuestions(asked, answers)])
        expect(JSON.stringify(blocks).length).toBeLessThanOrEqual(13_000);
      if (count > 1) expect(readLink(open.blocks)).toBe(web_url);
    }
  });

  it("uses the language of its questions, and links a plan to the web page", () => {
    const sections = [{ title: "需求", tasks: ["写文档"] }];
    const response_schema = { properties: { sections: { default: sections } } };
    const plan: Interrupt = { ...approval("p", "请确认计划"), reason: "plan_approval", response_schema };
    const { blocks } = askQuestions({ ...run(plan), web_url: "https://taskloom.example/" });
    expect(buttonsOf(blocks).map(({ text }) => text.text)).toEqual(["批准", "拒绝", "在网页中打开"]);
    expect(JSON.stringify(blocks[0])).toContain("写文档");
  });

  it("shows each check of a plan in full", () => {
    const run_ = `npm test -- ${"x".repeat(80)}`;
    const checks = [{ type: "file", path: "a.md" }, { type: "command", run: run_ }, { type: "other" }];
    const sections = [{ title: "S", tasks: [{ content: "Write", checks }, "Plain"] }];
    const response_schema = { properties: { sections: { default: sections } } };
    const plan: Interrupt = { ...approval("p", "The plan?"), reason: "plan_approval", response_schema };
    const [asked] = askQuestions(run(plan)).blocks;
    const { text } = (asked as { text: { text: string } }).text;
    expect(text.split("\n").slice(1)).toEqual([
      "S",
      "  • Write",
      "      ✓ a.md exists",
      `      ✓ {"type":"command","run":"${run_}"}`,
      '      ✓ {"type":"other"}',
      "  • Plain",
    ]);
  });

  it("keeps only short answers while other questions are open", () => {
    const asked = run(question("a"), question("b"));
    expect(canKeep(asked, question("a"), { text: "x".repeat(1500), by: "U1" })).toBe(true);
    expect(canKeep(asked, question("a"), { text: "x".repeat(2500), by: "U1" })).toBe(false);
  });
});
