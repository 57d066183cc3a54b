// Git of a sandbox in memory: records what was asked and answers what a test has put there.
import type { GitStatus, SandboxGit } from "../../src/agent/sandbox-git.ts";

export class MemoryGit implements SandboxGit {
  readonly calls: unknown[][] = [];
  /** Whether commits find something. */
  hasChanges = true;
  branch = "main";
  branches = ["dev", "main"];
  state: Omit<GitStatus, "path" | "branch"> = { changes: [], ahead: 0, behind: 0, is_published: true };

  clone: SandboxGit["clone"] = async (request) => this.#done(["clone", request], request.path ?? "shop");
  status: SandboxGit["status"] = async (path) => ({ ...this.#done(["status", path], path), ...this.state });
  commit: SandboxGit["commit"] = async (path, request) => {
    const checkout = this.#done(["commit", path, request], path);
    return this.hasChanges ? { ...checkout, hash: "0123456789abcdef" } : null;
  };
  push: SandboxGit["push"] = async (path, branch) => this.#done(["push", path, branch], path);
  pull: SandboxGit["pull"] = async (path, branch) => this.#done(["pull", path, branch], path);
  listBranches: SandboxGit["listBranches"] = async (path) => ({
    ...this.#done(["listBranches", path], path),
    branches: this.branches,
  });
  createBranch: SandboxGit["createBranch"] = async (path, name) => this.#done(["createBranch", path, name], path);
  checkoutBranch: SandboxGit["checkoutBranch"] = async (path, name) => {
    this.branch = name;
    return this.#done(["checkoutBranch", path, name], path);
  };
  deleteBranch: SandboxGit["deleteBranch"] = async (path, name) => this.#done(["deleteBranch", path, name], path);

  #done(call: unknown[], path: string | null) {
    this.calls.push(call);
    return { path: path ?? "shop", branch: this.branch };
  }
}
