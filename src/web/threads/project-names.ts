// A project's name. One that a conversation created before it had a title has no name of its own, so it is named after
// its conversation.
import type { Project } from "../../protocol/project.ts";
import type { Thread } from "../../protocol/thread.ts";

/** The server's name for these. */
const unnamed = "Untitled";

/** Projects named by a person come first. */
export function nameProjects(
  projects: readonly Project[],
  threads: readonly Pick<Thread, "project_id" | "title">[],
  untitled: string,
): { value: string; label: string }[] {
  const titles = new Map<string, string>();
  // The list begins with the newest, and a project is named after its first.
  for (const { project_id, title } of threads) if (title) titles.set(project_id, title);
  const isNamed = ({ name }: Project): boolean => name !== unnamed;
  const sorted = [...projects.filter(isNamed), ...projects.filter((project) => !isNamed(project))];
  return sorted.map((project) => ({
    value: project.project_id,
    label: isNamed(project) ? project.name : (titles.get(project.project_id) ?? untitled),
  }));
}
