// What only a person can see is asked at the end of a run, in one go: one interrupt for each distinct question, which
// the server takes the answers to together. Nothing is stored but the interrupts, so a life that ends before the run
// does asks the same again.
import { cutEnd } from "../../../lib/truncate.ts";
import { newId } from "../../../protocol/ids.ts";
import type { Check } from "../../../protocol/plan/check.ts";
import type { Plan, Task } from "../../../protocol/plan/task.ts";
import type { Interrupt } from "../../../protocol/run.ts";
import { isChinese } from "../../language.ts";
import type { RunState } from "../../loop-state.ts";
import { unlessCancelled } from "../runner.ts";

/** As many as a person answers in one go. The rest is asked after these are answered. */
const MAX_QUESTIONS = 20;
/** Of the tasks that share a question. */
const MAX_NAMED = 3;
const NAME_CHARACTERS = 200;

/** Empty if there is nothing to ask, or the run was cancelled meanwhile. */
export async function askPeople(state: RunState): Promise<Interrupt[]> {
  if (listQuestions(state.plan).length === 0) return [];
  const tree = await readTree(state);
  // A person may have changed the plan meanwhile.
  const questions = listQuestions(state.plan);
  const chinese = isChinese(state.plan.tasks.map(({ content }) => content).join(""));
  return questions.map((question) => toInterrupt(question, tree, chinese, state));
}

export interface OpenQuestion {
  question: string;
  /** Whose checks ask it. */
  tasks: Task[];
}

/** Each question once, that a task which has closed has and nobody has answered, or only for other files. */
function listQuestions({ tasks }: Plan): OpenQuestion[] {
  const questions = new Map<string, OpenQuestion>();
  for (const task of tasks) {
    if (task.status !== "completed" || task.verification === "accepted") continue;
    for (const check of task.checks ?? []) {
      if (check.spec.type !== "person" || !isOpen(check)) continue;
      const { question } = check.spec;
      const known = questions.get(question);
      if (known === undefined) questions.set(question, { question, tasks: [task] });
      else if (!known.tasks.includes(task)) known.tasks.push(task);
    }
  }
  return [...questions.values()].slice(0, MAX_QUESTIONS);
}

/** A question that was asked and not answered is not asked again by itself. */
export function isOpen({ result }: Check): boolean {
  return result === undefined || result.stale === true;
}

/** What the answers are about. Null where no call can have changed files, or they can't be read. */
async function readTree(state: RunState): Promise<string | null> {
  const { ports, hasWorked, tree } = state;
  if (tree !== null || !hasWorked || ports.checks === undefined) return tree;
  ports.storeHeld?.();
  return (await unlessCancelled(ports, async () => await ports.checks?.readTree())) ?? null;
}

function toInterrupt(
  { question, tasks }: OpenQuestion,
  tree: string | null,
  chinese: boolean,
  { input: { interrupt_ms }, ports }: RunState,
): Interrupt {
  return {
    id: `int_${newId("chk")}`,
    reason: "check",
    message: question,
    tool_call_id: "",
    response_schema: {
      title: question,
      description: nameTasks(tasks, chinese),
      type: "object",
      properties: {
        approved: { type: "boolean" },
        reason: { type: "string" },
        ...(tree === null ? {} : { tree: { type: "string", const: tree } }),
      },
      required: ["approved"],
      additionalProperties: false,
    },
    expires_at: interrupt_ms === null ? null : new Date(ports.now() + interrupt_ms).toISOString(),
  };
}

function nameTasks(tasks: readonly Task[], chinese: boolean): string {
  const names = tasks.slice(0, MAX_NAMED).map(({ content }) => cutEnd(content.replace(/\s+/g, " "), NAME_CHARACTERS));
  const more = tasks.length - names.length;
  const rest = more === 0 ? "" : chinese ? `，以及另外 ${more} 项` : `, and ${more} more`;
  return names.map((name) => (chinese ? `「${name}」` : `"${name}"`)).join(chinese ? "、" : ", ") + rest;
}
