// The person's projects, read when somebody wants to choose one. Each conversation without a project has made its own,
// so there are about as many as conversations.
import type { Project } from "../../protocol/project.ts";
import { type Api, ApiError } from "../client/api.ts";
import { chosenProject } from "../state/chosen.ts";
import { describeProblem, type Problem } from "../state/problem.ts";
import { Store } from "../state/store.ts";

export interface ProjectListView {
  phase: "loading" | "ready";
  projects: Project[];
  problem: Problem | null;
}

export class ProjectList {
  readonly view = new Store<ProjectListView>({ phase: "loading", projects: [], problem: null });
  readonly #api: Api;
  readonly #onUnauthorized: () => void;
  #isReading = false;
  /** What was changed here while the list was being read, `null` for a removed one: the server may have listed before. */
  #changed = new Map<string, Project | null>();

  constructor(api: Api, onUnauthorized: () => void) {
    this.#api = api;
    this.#onUnauthorized = onUnauthorized;
  }

  dismiss(): void {
    this.view.change((view) => ({ ...view, problem: null }));
  }

  /** All pages. */
  async read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#changed.clear();
    await this.#attempt(async () => {
      const projects: Project[] = [];
      let cursor: string | null = null;
      do {
        const after: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
        const page: { data: Project[]; next_cursor: string | null } = await this.#api.get(
          `/v1/projects?limit=200${after}`,
        );
        projects.push(...page.data);
        cursor = page.next_cursor;
      } while (cursor !== null);
      this.view.change((view) => ({ ...view, phase: "ready", projects: this.#withChanges(projects), problem: null }));
    });
    this.#isReading = false;
  }

  /** The new project is chosen. */
  create(name: string): Promise<boolean> {
    return this.#attempt(async () => {
      const made = await this.#api.send<Project>("POST", "/v1/projects", { name });
      this.#change(made.project_id, made);
      chosenProject.set(made.project_id);
    });
  }

  rename(project: string, name: string): Promise<boolean> {
    return this.#attempt(async () => {
      this.#change(project, await this.#api.send<Project>("PATCH", pathOf(project), { name }));
    });
  }

  /** With its threads and its sandbox. */
  remove(project: string): Promise<boolean> {
    return this.#attempt(async () => {
      await this.#api.send("DELETE", pathOf(project));
      this.#change(project, null);
      chosenProject.change((chosen) => (chosen === project ? null : chosen));
    });
  }

  #change(id: string, project: Project | null): void {
    this.#changed.set(id, project);
    this.view.change((view) => ({ ...view, projects: this.#withChanges(view.projects) }));
  }

  /** New ones come first. */
  #withChanges(projects: Project[]): Project[] {
    const listed = new Map<string, Project | null>(projects.map((project) => [project.project_id, project]));
    const added = [...this.#changed].filter(([id]) => !listed.has(id)).reverse();
    const kept = [...listed].map(([id, project]) => this.#changed.get(id) ?? (this.#changed.has(id) ? null : project));
    return [...added.map(([, project]) => project), ...kept].filter((project) => project !== null);
  }

  async #attempt(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#onUnauthorized();
      this.view.change((view) => ({ ...view, phase: "ready", problem: describeProblem(error) }));
      return false;
    }
  }
}

function pathOf(project: string): string {
  return `/v1/projects/${encodeURIComponent(project)}`;
}
