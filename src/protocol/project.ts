// A project: owns at most one sandbox, and says what that is made of.
import { z } from "zod";

const wellFormed = z.string().refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");

/** The repository that a project's files come from. Credentials are stored apart and are never part of the address. */
export const gitSource = z.strictObject({
  url: wellFormed.min(1).max(2000).refine(isPlainHttpUrl, "must be an http or https address without user or password"),
  branch: wellFormed.min(1).max(255).optional(),
  path: wellFormed.min(1).max(1000).optional(),
});
export type GitSource = z.infer<typeof gitSource>;

/** Where and from what the project's sandbox is made; the server's own settings hold for what is left out. */
export const sandboxSettings = z.strictObject({
  target: wellFormed.min(1).max(200).optional(),
  snapshot: wellFormed.min(1).max(200).optional(),
});
export type SandboxSettings = z.infer<typeof sandboxSettings>;

export interface Project {
  project_id: string;
  user_id: string;
  name: string;
  git: GitSource | null;
  sandbox: SandboxSettings | null;
  created_at: string;
  updated_at: string;
}

export interface ProjectPatch {
  name?: string;
  git?: GitSource | null;
  sandbox?: SandboxSettings | null;
}

function isPlainHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
}
