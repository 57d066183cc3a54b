import { describe, expect, it } from "vitest";
import type { AgUiInterrupt } from "../../src/protocol/event.ts";
import type { CheckInput } from "../../src/protocol/plan/check.ts";
import { draftOf, sectionsOf } from "../../src/web/client/plan-draft.ts";
import { editDraft, listDraft } from "./plan-edit.ts";
import { answerAll, readAnswer, readDecision } from "./questions.ts";

const sections = [
  { title: "A", tasks: ["a1", "a2"] },
  { title: "B", tasks: ["b1"] },
];

function interrupt(id: string, reason: string, properties: object = {}, more: object = {}): AgUiInterrupt {
  return { id, reason, message: `${reason} ${id}`, responseSchema: { properties }, ...more };
}

const question = interrupt("q", "question");
const call = interrupt(
  "c",
  "approval",
  { arguments: { default: { command: "rm x\u202e\u001b[2J" } } },
  { message: "sh: rm" },
);
const plan = interrupt("p", "plan_approval", { sections: { default: sections } });

/** Types the lines one after another; then the input ends. */
async function type(interrupts: AgUiInterrupt[], ...lines: string[]) {
  const said: string[] = [];
  const left = [...lines];
  const keyboard = { say: (line: string) => void said.push(line), ask: async () => left.shift() ?? null };
  const answers = await answerAll({ interrupts, items: [] }, keyboard);
  return { said: said.join("\n"), left, answers: answers.map((each) => each.payload ?? each.status) };
}

describe("an answer at the keyboard", () => {
  it("is a choice by its number, free text, or none", () => {
    const choices = ["red", "blue"];
    expect(readAnswer("i", "2", choices)).toEqual({ interrupt_id: "i", status: "resolved", payload: "blue" });
    expect(readAnswer("i", "3", choices)).toEqual({ interrupt_id: "i", status: "resolved", payload: "3" });
    expect(readAnswer("i", "green", choices)).toEqual({ interrupt_id: "i", status: "resolved", payload: "green" });
    expect(readAnswer("i", "", choices)).toEqual({ interrupt_id: "i", status: "cancelled" });
  });

  it.each([
    ["y", "approve"],
    ["YES", "approve"],
    ["好", "approve"],
    ["n", { reason: "" }],
    ["no, too much", { reason: "too much" }],
    ["不 先看看", { reason: "先看看" }],
    ["", null],
    ["nice", null],
    ["yes but", null],
  ])("approves only an explicit yes: %j", (text, expected) => {
    expect(readDecision(text)).toEqual(expected);
  });

  it("says yes or no to finished work, with a note, and nothing that is unclear", async () => {
    const check = interrupt("v", "check", {}, { message: "Is it good?" });
    const schema = { description: '"Paint it"' };
    expect((await type([{ ...check, responseSchema: schema }], "well", "n, too pale")).said).toContain('"Paint it"');
    expect((await type([check], "well", "n, too pale")).answers).toEqual([{ approved: false, reason: "too pale" }]);
    expect((await type([check], "yes")).answers).toEqual([{ approved: true }]);
    expect((await type([check])).answers).toEqual(["cancelled"]);
  });

  it("raises a cap to a number or twofold, and ends the run on a no", async () => {
    const budget = interrupt("b", "budget", { max_cost_usd: { default: 10 } }, { message: "It reached $5." });
    const first = await type([budget], "", "7.5");
    expect(first.answers).toEqual([{ approved: true, max_cost_usd: 7.5 }]);
    expect(first.said).toContain("? It reached $5.");
    expect((await type([budget], "y")).answers).toEqual([{ approved: true }]);
    // No number that a person writes: `Infinity` and `1e999` would double it.
    expect((await type([budget], "1e999", "Infinity", "0x10", "-1", "6")).answers).toEqual([
      { approved: true, max_cost_usd: 6 },
    ]);
    expect((await type([budget], "n")).answers).toEqual([{ approved: false }]);
    expect((await type([budget])).answers).toEqual(["cancelled"]);
  });

  it("approves no call on an unclear answer, and shows the call's arguments", async () => {
    const { said, answers } = await type([call], "", "what?", "y");
    expect(answers).toEqual([{ approved: true }]);
    expect(said).toContain("? May this be done? sh\n    rm x⟨U+202E⟩⟨U+001B⟩[2J");
    const why = { ...call, responseSchema: { ...call.responseSchema, description: "It runs \u202ea" } };
    expect((await type([why], "y")).said).toMatch(/\[2J\n {2}It runs ⟨U\+202E⟩a/);
    expect((await type([call], "n not this")).answers).toEqual([{ approved: false, reason: "not this" }]);
    expect((await type([call])).answers).toEqual(["cancelled"]);
  });

  it("approves a plan as it is or changed, or declines it", async () => {
    expect((await type([plan], "")).answers).toEqual([{ approved: true }]);
    expect((await type([plan], "n smaller")).answers).toEqual([{ approved: false, reason: "smaller" }]);
    expect((await type([plan], "- 1", "+ S2 b2", "?", "")).answers).toEqual([
      {
        approved: true,
        sections: [
          { title: "A", tasks: ["a2"] },
          { title: "B", tasks: ["b1", "b2"] },
        ],
      },
    ]);
    const emptied = await type([plan], "- S1", "- S1", "", "n");
    expect(emptied.said).toContain("A plan needs a task.");
    expect(emptied.answers).toEqual([{ approved: false }]);
    expect((await type([interrupt("p", "plan_approval")], "- 1", "y")).answers).toEqual([{ approved: true }]);
  });

  it("is not sent when the question has expired", async () => {
    const expired = { ...call, expiresAt: "2020-01-01T00:00:00.000Z" };
    const { said, answers } = await type([expired, question], "", "blue");
    expect(said).toContain("The time to answer this has expired.");
    expect(answers).toEqual(["cancelled", "blue"]);
  });
});

describe("a plan edited at the keyboard", () => {
  const draft = draftOf(sections);

  it("numbers its sections and tasks, each on one line without control characters", () => {
    expect(listDraft(draft)).toEqual(["  S1 A", "     1 a1", "     2 a2", "  S2 B", "     3 b1"]);
    expect(listDraft(draftOf([{ title: "x\ny", tasks: ["\u001b[2Ja"] }]))).toEqual(["  S1 x y", "     1 ⟨U+001B⟩[2Ja"]);
  });

  it.each([
    ["- 2", "A: a1; B: b1"],
    ["-S1", "B: b1"],
    ["+ 1 new one", "A: a1,new one,a2; B: b1"],
    ["+ s1 new", "A: a1,a2,new; B: b1"],
    ["= 3 other", "A: a1,a2; B: other"],
    ["= S2 C", "A: a1,a2; C: b1"],
    ["> 3 1", "A: b1,a1,a2"],
  ])("accepts the command %s", (line, expected) => {
    const edited = editDraft(draft, line);
    const plan = "draft" in edited ? sectionsOf(edited.draft) : [];
    expect(plan.map(({ title, tasks }) => `${title}: ${tasks}`).join("; ")).toBe(expected);
  });

  it("shows, adds and removes checks, each in full", () => {
    const run = `npm test -- ${"x".repeat(80)}`;
    const checks: CheckInput[] = [
      { type: "command", run },
      { type: "file", path: "a", contains: "b" },
    ];
    const checked = draftOf([{ title: "A", tasks: [{ content: "a1", checks }] }]);
    expect(listDraft(checked)).toEqual([
      "  S1 A",
      "     1 a1",
      `       1.1 {"type":"command","run":"${run}"}`,
      '       1.2 a contains "b"',
    ]);
    const dropped = editDraft(checked, "- 1.1");
    expect("draft" in dropped && sectionsOf(dropped.draft)[0]?.tasks).toEqual([
      { content: "a1", checks: checks.slice(1) },
    ]);
    const added = editDraft(draft, "c 3 make test");
    expect("draft" in added && sectionsOf(added.draft)[1]?.tasks).toEqual([
      { content: "b1", checks: [{ type: "command", run: "make test" }] },
    ]);
    for (const line of ["- 1.3", "- 2.1", "c S1 make", "c 1"])
      expect(editDraft(checked, line)).toHaveProperty("problem");
  });

  it.each(["hello", "- 9", "- S3", "- 0", "+ 1", "= 1", "- 1 2", "> 1", "> S1 2", "> 1 9", "> 1 x", "+ x y"])(
    "says what is wrong with %s",
    (line) => {
      expect(editDraft(draft, line)).toHaveProperty("problem");
    },
  );
});
