// Editing a proposed plan at the keyboard: its numbered lines, and the commands that change it. Pure.
import { describeWhole } from "../../src/web/client/check-lines.ts";
import {
  addCheck,
  addTask,
  type DraftProblem,
  moveTo,
  type PlanDraft,
  remove,
  removeCheck,
  reword,
} from "../../src/web/client/plan-draft.ts";
import { revealText } from "../../src/web/client/reveal.ts";
import { plain } from "./width.ts";

export const planHelp = [
  "  Enter approves it, `n reason` declines it. To change it first:",
  "  - 3        remove task 3             - S2       remove section 2",
  "  + 3 text   add a task after task 3   + S2 text  add one at the end of section 2",
  "  = 3 text   change task 3's text      = S2 text  change section 2's title",
  "  > 3 1      move task 3 to place 1    ?          show this help",
  "  c 3 cmd    add a check to task 3: a command that must exit with 0",
  "  - 3.1      remove check 1 of task 3",
];

export const planProblems: Record<DraftProblem, string> = {
  no_tasks: "A plan needs a task. To do nothing, decline it.",
  no_title: "Each section needs a title.",
  many_sections: "A plan has at most 50 sections.",
  many_tasks: "A plan has at most 500 tasks.",
  long_task: "A task has at most 2,000 characters.",
  long_title: "A title has at most 200 characters.",
  many_checks: "A task has at most 8 checks.",
};

export function listDraft({ sections }: PlanDraft): string[] {
  let number = 0;
  return sections.flatMap(({ title, tasks }, index) => [
    `  S${index + 1} ${oneLine(title)}`,
    ...tasks.flatMap(({ text, checks = [] }) => [
      `  ${String(++number).padStart(4)} ${oneLine(text)}`,
      ...checks.map((check, at) => `       ${number}.${at + 1} ${oneLine(describeWhole(check))}`),
    ]),
  ]);
}

/** Returns the changed plan, or what is wrong with the command. */
export function editDraft(draft: PlanDraft, line: string): { draft: PlanDraft } | { problem: string } {
  const [, task = "", check = ""] = /^-\s*(\d{1,4})\.(\d{1,2})$/.exec(line) ?? [];
  if (task !== "") return dropCheck(draft, task, Number(check));
  const [, sign = "", name = "", rest = ""] = /^([-+=>c])\s*([Ss]?\d{1,4})(?:\s+(.*))?$/s.exec(line) ?? [];
  if (sign === "") return { problem: "Unknown command; `?` lists the commands." };
  const key = findKey(draft, name);
  if (key === undefined) return { problem: `There is no ${name.toUpperCase()}.` };
  if (sign === "-") return rest === "" ? { draft: remove(draft, key) } : { problem: "Remove one at a time." };
  if (rest === "") return { problem: `Add a text after ${name.toUpperCase()}.` };
  if (sign === "c") {
    return /^s/i.test(name) ? { problem: "A check belongs to a task." } : { draft: addCheck(draft, key, rest) };
  }
  if (sign === "+") return { draft: addTask(draft, key, rest) };
  if (sign === "=") return { draft: reword(draft, key, rest) };
  const place = /^\d{1,4}$/.test(rest) ? findKey(draft, rest) : undefined;
  if (/^s/i.test(name) || place === undefined)
    return { problem: "Move a task to another task's place, as in `> 3 1`." };
  return { draft: moveTo(draft, key, place) };
}

function dropCheck(draft: PlanDraft, name: string, number: number): { draft: PlanDraft } | { problem: string } {
  const key = findKey(draft, name);
  const task = draft.sections.flatMap(({ tasks }) => tasks).find((each) => each.key === key);
  if (task?.checks?.[number - 1] === undefined) return { problem: `There is no ${name}.${number}.` };
  return { draft: removeCheck(draft, task.key, number - 1) };
}

/** `3` is the third task of the plan, `S2` its second section. */
function findKey({ sections }: PlanDraft, name: string): number | undefined {
  const list = /^s/i.test(name) ? sections : sections.flatMap(({ tasks }) => tasks);
  return list[Number(name.replace(/^s/i, "")) - 1]?.key;
}

function oneLine(text: string): string {
  return plain(revealText(text.replace(/\s+/g, " ").trim()));
}
