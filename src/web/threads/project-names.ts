// What a project is called. One that a conversation made for itself, before that had a title, has no name of its own: then it is
// called as its conversation.
import type { Project } from "../../protocol/project.ts";
import type { Thread } from "../../protocol/thread.ts";

/** As the server calls those. */
const unnamed = "Untitled";

/** Those that somebody named come first. */
export function nameProjects(
  projects: readonly Project[],
  threads: readonly Pick<Thread, "project_id" | "title">[],
  untitled: string,
): { value: string; label: string }[] {
  const titles = new Map<string, string>();
  // The list begins with the newest, and a project is called as its first.
  for (const { project_id, title } of threads) if (title) titles.set(project_id, title);
  const isNamed = ({ name }: Project): boolean => name !== unnamed;
  const sorted = [...projects.filter(isNamed), ...projects.filter((project) => !isNamed(project))];
  return sorted.map((project) => ({
    value: project.project_id,
    label: isNamed(project) ? project.name : (titles.get(project.project_id) ?? untitled),
  }));
}
