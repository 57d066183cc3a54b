// The scorer must be able to fail: each bad reply here loses what its fault is worth, and the good ones lose nothing.
import { describe, expect, it } from "vitest";
import type { EvalRequest } from "./requests.ts";
import { type Reply, readMove, scoreReply } from "./score.ts";

const chineseWork: EvalRequest = {
  id: "content-9",
  kind: "content",
  language: "zh",
  text: "写一份报告",
  accepted: ["plan"],
};
const englishWork: EvalRequest = { ...chineseWork, language: "en", text: "Write a report" };
const smallTalk: EvalRequest = { ...chineseWork, kind: "small-talk", text: "你好", accepted: ["answer"] };
const ambiguous: EvalRequest = { ...englishWork, text: "Make an app", accepted: ["plan", "ask"] };

function call(name: string, input: unknown): Reply["calls"][number] {
  const written = typeof input === "string" ? input : JSON.stringify(input);
  return { id: "call_1", type: "function", function: { name, arguments: written } };
}

function plan(tasks: string[], title = "准备"): Reply {
  return { text: "", calls: [call("create_tasks", { sections: [{ title, tasks }] })] };
}

const goodPlan = plan(["列出报告提纲", "写出 report.md 并通读一遍"]);
const goodEnglishPlan = plan(["Write the outline", "Write report.md and read it back"], "Report");
const look = call("list_files", {});

describe("the scored move", () => {
  it.each<[string, Reply, string]>([
    ["text alone", { text: "你好！", calls: [] }, "answer"],
    ["nothing", { text: " \n", calls: [] }, "nothing"],
    ["a plan with words before it", { ...goodPlan, text: "先做计划。" }, "plan"],
    ["a plan and work behind it", { text: "", calls: [...goodPlan.calls, look] }, "plan"],
    ["work, then the plan", { text: "", calls: [look, ...goodPlan.calls] }, "work"],
    ["calls that only read", { text: "", calls: [look, call("read_file", { path: "a" })] }, "look"],
    ["a look and a command", { text: "", calls: [look, call("execute_command", { command: "ls" })] }, "work"],
    ["a look at the empty list first", { text: "", calls: [call("view_tasks", {}), ...goodPlan.calls] }, "work"],
    ["complete instead of an answer", { text: "", calls: [call("complete", { summary: "你好" })] }, "work"],
    ["a question", { text: "", calls: [call("ask", { question: "什么？" })] }, "ask"],
  ])("%s", (_what, reply, move) => {
    expect(readMove(reply)).toBe(move);
  });
});

describe("a good reply", () => {
  it.each<[string, EvalRequest, Reply]>([
    ["a plan", chineseWork, goodPlan],
    ["a plan in English", englishWork, goodEnglishPlan],
    ["an answer", smallTalk, { text: "你好！想做点什么？", calls: [] }],
    ["an answer without a word", { ...smallTalk, language: "en" }, { text: "391", calls: [] }],
    ["a question", ambiguous, { text: "", calls: [call("ask", { question: "For whom is it?" })] }],
    ["a plan where a question is right too", ambiguous, goodEnglishPlan],
    [
      "a plan in two calls, one written as a JSON string",
      chineseWork,
      {
        text: "",
        calls: [
          call("create_tasks", { section_title: "准备", task_contents: ["列出报告提纲"] }),
          call("create_tasks", { sections: JSON.stringify([{ title: "撰写", tasks: ["写出 report.md"] }]) }),
        ],
      },
    ],
  ])("loses nothing: %s", (_what, request, reply) => {
    expect(scoreReply(request, reply)).toMatchObject({ score: 1, passed: true, faults: [] });
  });
});

describe("a wrong move is worth nothing", () => {
  it.each<[string, EvalRequest, Reply, string]>([
    ["a plan for small talk", smallTalk, goodPlan, "plan instead of answer"],
    ["work before the plan", chineseWork, { text: "", calls: [look, ...goodPlan.calls] }, "list_files before the plan"],
    ["work without a plan", chineseWork, { text: "", calls: [look] }, "list_files first"],
    ["words instead of a plan", chineseWork, { text: "好的，报告如下……", calls: [] }, "answer instead of plan"],
    ["a question where all is clear", chineseWork, { text: "", calls: [call("ask", { question: "多长？" })] }, "ask"],
    ["a question to small talk", smallTalk, { text: "", calls: [call("ask", { question: "什么？" })] }, "ask"],
    ["nothing at all", smallTalk, { text: "", calls: [] }, "nothing instead of answer"],
    ["an unknown tool", smallTalk, { text: "", calls: [call("speak", {})] }, "speak first"],
  ])("%s", (_what, request, reply, fault) => {
    const scored = scoreReply(request, reply);
    expect(scored).toMatchObject({ score: 0, passed: false });
    expect(scored.faults.join()).toContain(fault);
  });
});

describe("a right move made badly", () => {
  it.each<[string, EvalRequest, Reply, number, boolean]>([
    ["a plan in the wrong language", chineseWork, goodEnglishPlan, 0.8, false],
    ["a Chinese plan for an English request", englishWork, goodPlan, 0.8, false],
    [
      "a Chinese plan with an English title",
      chineseWork,
      plan(["列出报告提纲", "写出报告全文"], "Report"),
      0.8 + 0.4 / 3,
      true,
    ],
    ["an answer in the wrong language", smallTalk, { text: "Hello! What can I do?", calls: [] }, 0.6, false],
    [
      "a question in the wrong language",
      ambiguous,
      { text: "", calls: [call("ask", { question: "给谁用？" })] },
      0.6,
      false,
    ],
    ["a question without a question", ambiguous, { text: "", calls: [call("ask", {})] }, 0.6, false],
    ["a plan of one task", chineseWork, plan(["写出 report.md 并通读一遍"]), 0.9, false],
    ["a plan that the server refuses", chineseWork, plan([]), 0.6, false],
    [
      "a plan whose arguments are no JSON",
      chineseWork,
      { text: "", calls: [call("create_tasks", '{"sections":')] },
      0.6,
      false,
    ],
    ["a plan of a vague half", chineseWork, plan(["列出报告提纲", "完成剩余工作"]), 0.95, true],
  ])("loses the points that its fault costs: %s", (_what, request, reply, score, passed) => {
    const scored = scoreReply(request, reply);
    expect(scored.score).toBeCloseTo(score, 6);
    expect(scored.passed).toBe(passed);
    expect(scored.faults).not.toEqual([]);
  });
});

describe("a task of a scored plan", () => {
  const faultOf = (task: string) => scoreReply(englishWork, plan(["Write the outline", task], "Report")).faults[0];

  it.each([
    ["Do the rest", "vague"],
    ["Complete all remaining tasks", "vague"],
    ["Understand the request", "vague"],
    ["Write pages, styles etc.", "vague"],
    ["Tests", "too short"],
    ["Write the report. Then check it.", "more than one sentence"],
    ["Write the report\nCheck it", "more than one sentence"],
    [`Write ${"a long list of things ".repeat(10)}`, "too long"],
  ])("is faulted: %s", (task, fault) => {
    expect(faultOf(task)).toContain(fault);
  });

  it.each([
    "Run tests",
    "Write docs/requirements.md with the features",
    "Install Node.js 22 and see `node --version` exit with 0",
    "Finish report.md and read it back",
    "Ask v1.2 of the server for its routes, and list them.",
  ])("is fine: %s", (task) => {
    expect(faultOf(task)).toBeUndefined();
  });

  it.each(["其他", "完成剩余任务", "理解需求", "开发页面、样式等等"])("is faulted in Chinese: %s", (task) => {
    expect(scoreReply(chineseWork, plan(["列出报告提纲", task])).faults).toHaveLength(1);
  });
});
