// A proposed plan at the keyboard: its lines with numbers, and the few commands that change it. Pure.
import { addTask, type DraftProblem, moveTo, type PlanDraft, remove, reword } from "../../src/web/client/plan-draft.ts";
import { revealText } from "../../src/web/client/reveal.ts";
import { plain } from "./width.ts";

export const planHelp = [
  "  Enter approves it, `n why` declines it. To change it first:",
  "  - 3        take task 3 out           - S2       take section 2 out",
  "  + 3 text   a new task after task 3   + S2 text  one at the end of section 2",
  "  = 3 text   word task 3 anew          = S2 text  another title",
  "  > 3 1      move task 3 to place 1    ?          this help",
];

export const planProblems: Record<DraftProblem, string> = {
  no_tasks: "A plan needs a task. To do nothing, decline it.",
  no_title: "Each section needs a title.",
  many_sections: "These are too many sections: 50 at most.",
  many_tasks: "These are too many tasks: 500 at most.",
  long_task: "A task has at most 2,000 characters.",
  long_title: "A title has at most 200 characters.",
};

export function listDraft({ sections }: PlanDraft): string[] {
  let number = 0;
  return sections.flatMap(({ title, tasks }, index) => [
    `  S${index + 1} ${oneLine(title)}`,
    ...tasks.map(({ text }) => `  ${String(++number).padStart(4)} ${oneLine(text)}`),
  ]);
}

/** The changed plan, or what is wrong with the command. */
export function editDraft(draft: PlanDraft, line: string): { draft: PlanDraft } | { problem: string } {
  const [, sign = "", name = "", rest = ""] = /^([-+=>])\s*([Ss]?\d{1,4})(?:\s+(.*))?$/s.exec(line) ?? [];
  if (sign === "") return { problem: "This is no command; `?` lists them." };
  const key = findKey(draft, name);
  if (key === undefined) return { problem: `There is no ${name.toUpperCase()}.` };
  if (sign === "-") return rest === "" ? { draft: remove(draft, key) } : { problem: "One at a time, please." };
  if (rest === "") return { problem: `Say what comes after ${name.toUpperCase()}.` };
  if (sign === "+") return { draft: addTask(draft, key, rest) };
  if (sign === "=") return { draft: reword(draft, key, rest) };
  const place = /^\d{1,4}$/.test(rest) ? findKey(draft, rest) : undefined;
  if (/^s/i.test(name) || place === undefined) return { problem: "A task moves to a task's place, as in `> 3 1`." };
  return { draft: moveTo(draft, key, place) };
}

/** `3` is the third task of the plan, `S2` its second section. */
function findKey({ sections }: PlanDraft, name: string): number | undefined {
  const list = /^s/i.test(name) ? sections : sections.flatMap(({ tasks }) => tasks);
  return list[Number(name.replace(/^s/i, "")) - 1]?.key;
}

function oneLine(text: string): string {
  return plain(revealText(text.replace(/\s+/g, " ").trim()));
}
