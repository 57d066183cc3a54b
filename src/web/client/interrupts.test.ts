import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AgUiInterrupt } from "../../protocol/event.ts";
import {
  type Approval,
  answerQuestion,
  approveCall,
  approvePlan,
  type Budget,
  decline,
  draftFor,
  goOnWithout,
  isExpired,
  judge,
  listArguments,
  type PlanApproval,
  raiseCaps,
  readAsked,
} from "./interrupts.ts";
import { draftOf, removeCheck, reword } from "./plan-draft.ts";
import { typedIn } from "./question-choices.ts";

function approval(given: unknown, message = "execute_command: rm -rf build"): AgUiInterrupt {
  const properties = { approved: { type: "boolean" }, arguments: { type: "object", default: given } };
  return { id: "i", reason: "approval", message, responseSchema: { type: "object", properties } };
}

function planApproval(sections: unknown): AgUiInterrupt {
  const properties = { approved: { type: "boolean" }, sections: { type: "array", default: sections } };
  return { id: "i", reason: "plan_approval", message: "", responseSchema: { type: "object", properties } };
}

describe("the questions of an interrupt", () => {
  it("a question keeps the choices that are texts", () => {
    const schema = { type: "string", enum: ["red", 3, null, "", "red", "blue"] };
    const asked = readAsked({ id: "i", reason: "question", message: "which?", responseSchema: schema });
    expect(asked).toEqual({ kind: "question", id: "i", message: "which?", expires: null, choices: ["red", "blue"] });
  });

  it("an approval has the tool and its arguments", () => {
    const given = { cwd: "shop", command: "rm -rf build", count: 3 };
    expect(readAsked(approval(given))).toMatchObject({ kind: "approval", tool: "execute_command", arguments: given });
    expect(listArguments(given)).toEqual([
      { name: "command", text: "rm -rf build", isText: true },
      { name: "cwd", text: "shop", isText: true },
      { name: "count", text: "3", isText: false },
    ]);
  });

  it("an approval says why it is asked where the schema does", () => {
    const why = "It needs approval as commands do.";
    const asked = approval({ path: ".git/config" });
    expect(readAsked(asked)).toMatchObject({ why: null });
    expect(readAsked({ ...asked, responseSchema: { ...asked.responseSchema, description: why } })).toMatchObject({
      why,
    });
    expect(readAsked({ ...asked, responseSchema: { ...asked.responseSchema, description: 1 } })).toMatchObject({
      why: null,
    });
  });

  it("a call too long to be edited is taken from the conversation", () => {
    const call = { kind: "tool", name: "create_file", output: "", result: null, open: false } as const;
    const items = [{ ...call, id: "c", arguments: '{"path":"a","content":"long"}' }];
    const asked = readAsked({ ...approval(undefined, "create_file: a…"), toolCallId: "c" }, items) as Approval;
    expect(asked).toMatchObject({ tool: "create_file", arguments: { path: "a", content: "long" }, editable: null });
    expect(approveCall(asked, { content: "x" }).payload).toEqual({ approved: true });
    const cut = [{ ...call, id: "c", arguments: '{"path":' }];
    expect(readAsked({ ...approval(undefined), toolCallId: "c" }, cut)).toMatchObject({ arguments: null });
  });

  it("a cap that was reached has the caps to raise, with what is proposed for them", () => {
    const properties = {
      approved: { type: "boolean" },
      max_cost_usd: { exclusiveMinimum: 5, default: 10 },
      max_minutes: {},
    };
    const interrupt = { id: "i", reason: "budget", message: "It reached $5.", responseSchema: { properties } };
    const asked = readAsked(interrupt) as Budget;
    const caps = [
      { name: "max_cost_usd", limit: 5, proposed: 10 },
      { name: "max_minutes", limit: null, proposed: null },
    ];
    expect(asked).toEqual({ kind: "budget", id: "i", message: "It reached $5.", expires: null, caps });
    expect(raiseCaps(asked, { max_cost_usd: "7.5", max_minutes: " " })).toEqual({
      interrupt_id: "i",
      status: "resolved",
      payload: { approved: true, max_cost_usd: 7.5 },
    });
    // Without a number the server takes what it proposed.
    expect(raiseCaps(asked, { max_cost_usd: "much" }).payload).toEqual({ approved: true });
    const none = {
      id: "i",
      reason: "budget",
      responseSchema: { properties: { max_minutes: { exclusiveMinimum: 0 } } },
    };
    expect(readAsked(none)).toMatchObject({ caps: [{ name: "max_minutes", limit: 0, proposed: null }] });
    expect(readAsked({ id: "i", reason: "budget", message: "", responseSchema: {} })).toMatchObject({ caps: [] });
  });

  it("a question about finished work is answered by yes or no, with a note", () => {
    const interrupt = { id: "i", reason: "check", message: "Is it good?", responseSchema: { description: '"Paint"' } };
    expect(readAsked(interrupt)).toMatchObject({ kind: "check", message: "Is it good?", tasks: '"Paint"' });
    expect(readAsked({ ...interrupt, responseSchema: {} })).toMatchObject({ tasks: null });
    expect(judge("i", false, " pale ").payload).toEqual({ approved: false, reason: "pale" });
    expect(judge("i", true, " ").payload).toEqual({ approved: true });
  });

  it("a proposed plan is shown as text, markup included", () => {
    const sections = [{ title: "A", tasks: ["<script>alert(1)</script>"] }];
    expect(readAsked(planApproval(sections))).toMatchObject({ kind: "plan_approval", sections });
    const many = [{ title: "A", tasks: Array(500).fill("a") }];
    expect((readAsked(planApproval(many)) as PlanApproval).sections?.[0]?.tasks).toHaveLength(500);
  });

  it.each([undefined, null, "x", {}, [], [null], [{ title: 1, tasks: ["a"] }], [{ title: "A", tasks: "a" }]])(
    "a proposal that is no plan can't be edited: %j",
    (sections) => {
      const asked = readAsked(planApproval(sections)) as PlanApproval;
      expect(asked.sections).toBeNull();
      expect(draftFor(asked)).toBeNull();
      expect(approvePlan(asked, null)).toMatchObject({ payload: { approved: true } });
    },
  );

  it("no part of a plan is shown when another part can't be read", () => {
    const mixed = [{ title: "A", tasks: ["seen", { hidden: true }] }];
    expect(readAsked(planApproval(mixed))).toMatchObject({ sections: null, proposed: mixed });
  });

  it("a plan with checks is read with them, and approved as it was changed", () => {
    const checks = [
      { type: "command", run: "npm test" },
      { type: "http", port: 3000 },
    ];
    const sections = [{ title: "A", tasks: ["a", { content: "b", checks }] }];
    const asked = readAsked(planApproval(sections)) as PlanApproval;
    expect(asked.sections).toEqual(sections);
    const draft = draftFor(asked);
    if (draft === null) throw new Error("no draft");
    expect(approvePlan(asked, draft)).toMatchObject({ payload: { approved: true } });
    const key = draft.sections[0]?.tasks[1]?.key ?? 0;
    expect(approvePlan(asked, removeCheck(draft, key, 0))).toMatchObject({
      payload: { sections: [{ title: "A", tasks: ["a", { content: "b", checks: checks.slice(1) }] }] },
    });
  });

  it.each([
    ["of a type that is not known", { type: "sql" }],
    ["without a command", { type: "command" }],
    ["with a text that is none", { type: "file", path: "a", matches: 1 }],
    ["with a start that is none", { type: "http", port: 1, start: "x" }],
  ])("a plan with a check %s is shown as it is", (_, check) => {
    const sections = [{ title: "A", tasks: [{ content: "b", checks: [check] }] }];
    expect(readAsked(planApproval(sections))).toMatchObject({ sections: null, proposed: sections });
  });

  it("any interrupt at all can be read", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("question", "approval", "plan_approval", "other"),
        fc.anything(),
        (reason, schema) => {
          const interrupt = { id: "i", reason, message: schema, responseSchema: schema, expiresAt: schema };
          expect(readAsked(interrupt as AgUiInterrupt).id).toBe("i");
          const properties = { arguments: { default: schema }, sections: { default: schema } };
          const asked = readAsked({ id: "i", reason, responseSchema: { properties } });
          if (asked.kind === "approval") listArguments(asked.arguments ?? {});
        },
      ),
    );
  });

  it("an interrupt expires at its time, and never without one", () => {
    const asked = (expiresAt?: string) => readAsked({ id: "i", reason: "question", expiresAt });
    const time = "2026-01-01T00:00:00.000Z";
    expect(isExpired(asked(time), Date.parse(time) - 1)).toBe(false);
    expect(isExpired(asked(time), Date.parse(time))).toBe(true);
    expect(isExpired(asked("soon"), Date.parse(time))).toBe(false);
    expect(isExpired(asked(), Date.parse(time))).toBe(false);
  });
});

describe("an answer", () => {
  it("to a question is a text, or null", () => {
    expect(answerQuestion("i", " green ")).toEqual({ interrupt_id: "i", status: "resolved", payload: "green" });
    expect(answerQuestion("i", "  ")).toEqual(goOnWithout("i"));
    expect(goOnWithout("i")).toEqual({ interrupt_id: "i", status: "cancelled" });
  });

  it("declines with or without a reason", () => {
    expect(decline("i", " too much ").payload).toEqual({ approved: false, reason: "too much" });
    expect(decline("i", " ").payload).toEqual({ approved: false });
  });

  it("approves a call with arguments only where they were edited", () => {
    const asked = readAsked(approval({ command: "ls", count: 3 })) as Approval;
    expect(approveCall(asked).payload).toEqual({ approved: true });
    expect(approveCall(asked, { command: "ls" }).payload).toEqual({ approved: true });
    const changed = { approved: true, arguments: { command: "ls -l", count: 3 } };
    expect(approveCall(asked, { command: "ls -l", other: "x" }).payload).toEqual(changed);
  });

  it("approves a plan with sections only where they were edited", () => {
    const sections = [{ title: "A", tasks: ["a"] }];
    const asked = readAsked(planApproval(sections)) as PlanApproval;
    const draft = draftOf(sections);
    expect(approvePlan(asked, draft).payload).toEqual({ approved: true });
    const changed = reword(draft, draft.sections[0]?.tasks[0]?.key ?? 0, "b");
    expect(approvePlan(asked, changed).payload).toEqual({ approved: true, sections: [{ title: "A", tasks: ["b"] }] });
  });
});

describe("answers that arrived too late", () => {
  it("give back typed text, and no choice", () => {
    const asked = { id: "q", reason: "question", responseSchema: { type: "string", enum: ["red"] } } as AgUiInterrupt;
    expect(typedIn([answerQuestion("q", "a long answer")], [asked])).toEqual(["a long answer"]);
    expect(typedIn([answerQuestion("q", "red"), decline("p", "no")], [asked])).toEqual([]);
  });
});
