// A project's name. One that a conversation created before it had a title has no name of its own, so it is named after
// its conversation.
import type { Project } from "../../protocol/project.ts";
import type { Thread } from "../../protocol/thread.ts";

/** The server's name for these. */
const unnamed = "Untitled";

/**
 * Projects named by a person come first. One that a conversation made for itself alone is left out, since it is in the
 * list of conversations, unless it is `chosen`.
 */
export function nameProjects(
  projects: readonly Project[],
  threads: readonly Pick<Thread, "project_id" | "title">[],
  { untitled, chosen }: { untitled: string; chosen: string | null },
): { value: string; label: string }[] {
  const titles = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { project_id } of threads) counts.set(project_id, (counts.get(project_id) ?? 0) + 1);
  // The list begins with the newest, and a project is named after its first.
  for (const { project_id, title } of threads) if (title) titles.set(project_id, title);
  const isNamed = ({ name }: Project): boolean => name !== unnamed;
  const isShared = ({ project_id }: Project): boolean => (counts.get(project_id) ?? 0) > 1 || project_id === chosen;
  const sorted = [...projects.filter(isNamed), ...projects.filter((project) => !isNamed(project) && isShared(project))];
  return sorted.map((project) => ({
    value: project.project_id,
    label: isNamed(project) ? project.name : (titles.get(project.project_id) ?? untitled),
  }));
}
