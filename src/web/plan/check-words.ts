// What the plan says of checks. Apart from its other words, which the page needs before the plan is opened.
import { defineWords } from "../state/words.ts";

export const words = defineWords(
  {
    locale: "en",
    checks: "Checks",
    verifications: {
      verified: "Verified",
      self_checked: "Self-checked",
      accepted: "Accepted",
      failed: "Check failed",
      stale: "Out of date",
      not_run: "Not checked yet",
      none: "",
    },
    verificationHints: {
      verified: "The server saw all checks pass. People or the project wrote them.",
      self_checked: "The server saw all checks pass, but the agent wrote or changed some of them.",
      accepted: "A person completed this task. Nothing was run.",
      failed: "The last run of a check failed.",
      stale: "All checks passed, and files have changed since.",
      not_run: "A check has not run, or can't run here.",
      none: "",
    },
    weakened: "The agent has removed a check of this task.",
    seen: { passed: "Passed", failed: "Failed", stale: "Passed before files changed", not_run: "Not run" },
    authors: { person: "a person's", project: "the project's", model: "the agent's" },
    reading: "Loading task details…",
  },
  {
    locale: "zh-CN",
    checks: "检查",
    verifications: {
      verified: "已验证",
      self_checked: "自查通过",
      accepted: "已认可",
      failed: "检查未通过",
      stale: "已过期",
      not_run: "尚未检查",
      none: "",
    },
    verificationHints: {
      verified: "服务器确认所有检查都已通过，检查由人或项目编写。",
      self_checked: "服务器确认所有检查都已通过，但其中有智能体自己编写或改动过的检查。",
      accepted: "由人标为完成，没有运行检查。",
      failed: "最近一次检查未通过。",
      stale: "检查通过之后，文件又有改动。",
      not_run: "有检查尚未运行，或无法在此运行。",
      none: "",
    },
    weakened: "智能体移除过这项任务的检查。",
    seen: { passed: "通过", failed: "未通过", stale: "通过后文件有改动", not_run: "未运行" },
    authors: { person: "由人编写", project: "来自项目", model: "由智能体编写" },
    reading: "正在加载任务详情…",
  },
);
