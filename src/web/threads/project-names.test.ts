import { describe, expect, it } from "vitest";
import type { Project } from "../../protocol/project.ts";
import { nameProjects } from "./project-names.ts";

const project = (project_id: string, name: string) => ({ project_id, name }) as Project;

describe("nameProjects", () => {
  const rest = { untitled: "No name", chosen: null };

  it("leaves out what a conversation made for itself alone, unless it is chosen", () => {
    const threads = [{ project_id: "b", title: "Alone" }];
    const projects = [project("a", "Shop"), project("b", "Untitled"), project("c", "Untitled")];
    expect(nameProjects(projects, threads, rest)).toEqual([{ value: "a", label: "Shop" }]);
    expect(nameProjects(projects, threads, { ...rest, chosen: "b" }).at(-1)).toEqual({ value: "b", label: "Alone" });
  });

  it("takes a project's name, else its first conversation's title, else untitled, and puts named ones first", () => {
    const threads = [
      { project_id: "b", title: "Later" },
      { project_id: "b", title: "First" },
      { project_id: "b", title: null },
      { project_id: "a", title: "Not asked for" },
      { project_id: "c", title: null },
      { project_id: "c", title: null },
    ];
    const projects = [project("b", "Untitled"), project("a", "Shop"), project("c", "Untitled")];
    expect(nameProjects(projects, threads, rest)).toEqual([
      { value: "a", label: "Shop" },
      { value: "b", label: "First" },
      { value: "c", label: "No name" },
    ]);
  });
});
