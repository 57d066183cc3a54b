// All projects that the script can carry out. A project is one file and one line here. A task is recognized by its
// title.
import { type Goal, type ProjectKind, readKind } from "../intent.ts";
import type { Project, ScriptedTask, TaskScript } from "../script.ts";
import { generic, genericTask } from "./generic.ts";
import { research, researchTasks } from "./research.ts";
import { shop, shopTasks } from "./shop.ts";
import { webResearch, webResearchTasks } from "./web-research.ts";

type Kind = ProjectKind | "web_research";

export const projects: Record<Kind, Project> = { shop, research, web_research: webResearch, build: generic };

const known: [Kind, ScriptedTask[]][] = [
  ["shop", shopTasks],
  ["research", researchTasks],
  ["web_research", webResearchTasks],
];

/** A research that can't both search and read has nothing to cite, and shows its form only. */
export function chooseProject(goal: Goal, tools: Set<string>): Project {
  const kind = readKind(goal);
  const looksUp = kind === "research" && tools.has("web_search") && tools.has("fetch_url");
  return projects[looksUp ? "web_research" : kind];
}

export function findTask(title: string): { kind: Kind; script: TaskScript } {
  for (const [kind, tasks] of known) {
    const task = tasks.find((each) => each.title.zh === title || each.title.en === title);
    if (task) return { kind, script: task.script };
  }
  return { kind: "build", script: genericTask };
}
