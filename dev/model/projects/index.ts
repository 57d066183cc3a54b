// All projects that the script can carry out. A project is one file and one line here. A task is recognized by its
// title.
import type { ProjectKind } from "../intent.ts";
import type { Project, ScriptedTask, TaskScript } from "../script.ts";
import { generic, genericTask } from "./generic.ts";
import { research, researchTasks } from "./research.ts";
import { shop, shopTasks } from "./shop.ts";

export const projects: Record<ProjectKind, Project> = { shop, research, build: generic };

const known: [ProjectKind, ScriptedTask[]][] = [
  ["shop", shopTasks],
  ["research", researchTasks],
];

export function findTask(title: string): { kind: ProjectKind; script: TaskScript } {
  for (const [kind, tasks] of known) {
    const task = tasks.find((each) => each.title.zh === title || each.title.en === title);
    if (task) return { kind, script: task.script };
  }
  return { kind: "build", script: genericTask };
}
