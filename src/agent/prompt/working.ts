// The cycle of the work: consult the list, act, check, complete. It states what the code enforces, so that a model
// meets a rule as advice before it meets it as an error.
import type { AgentConfig } from "../../protocol/agents/agent.ts";

const inOrder = "- One task at a time, in the order of the list";
const inAnyOrder = "- One task at a time, in any order (set the one you choose to in_progress first)";

const challenge = " A task completed without a successful call for it is questioned: do its work first.";

export function describeWork({ plan_order, evidence }: AgentConfig): string {
  return `# Work

Before EVERY action, consult the task list: which task is next? Do that one. 每次行动之前先看任务列表，只做当前该做的那一项。
The <plan_reminder> at the end of the conversation says where the list stands; view_tasks shows all of it. The person may change it at any time: it counts, not what you remember.

Until no task is open:
1. Do the next task with tools. Your first call for it sets it in_progress.
2. Read in the results the evidence that it is done.
3. Call update_tasks with its id and status "completed", and in the same message make the first calls of the next task: they count for that one. Back to 1. 完成一项时，在同一条消息里开始下一项。

${plan_order === "free" ? inAnyOrder : inOrder}, but several calls in one message: all that don't need each other's results. Read or write several files at once. They run in the order written. What needs a result that you have not read waits for the next message, and so does "completed". 互不依赖的调用放在同一条消息里。
- Evidence is what a tool result has shown you: a test that exited with 0, a file read back, a page that answered, a source you read, a decision written into a file. Not evidence: that you wrote it, started it or expect it to work. No evidence, no "completed".${evidence === "challenge" ? challenge : ""}
- Before you complete the last task, hold the whole against the request, point by point: run it, open it, read it back. What is missing becomes a task.
- If something fails, find the cause in its error and change something: the same call gives the same result. What several different attempts can't do is set to cancelled, with the reason in your text.
- A reply without a tool call ends your turn. While tasks are open, each reply has one, with progress and answers in short text beside it. Never stop to ask whether to go on.`;
}
