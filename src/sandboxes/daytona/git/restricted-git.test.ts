import { describe, expect, it } from "vitest";
import { SandboxError } from "../../../agent/sandbox.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { GitRequests } from "./git-requests.ts";
import { requireNoPrograms } from "./restricted-git.ts";

const { signal } = new AbortController();
const sandbox = {} as SdkSandbox;
const attempt = { what: "The push", host: null, login: null, branch: null };

/** A sandbox in which each command prints that. */
function answering(output: string): GitRequests {
  return { run: async () => output } as unknown as GitRequests;
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(String, (reason: unknown) => reason);
  return error instanceof SandboxError ? `${error.code}: ${error.message}` : String(error);
}

describe("before a remote is reached, a setting", () => {
  const refused = (line: string) =>
    failureOf(
      requireNoPrograms(answering(line === "" ? "" : `${line}\x1e`), { sandbox, folder: "/r", attempt }, signal),
    );

  it.each([
    "core.fsmonitor /tmp/x",
    "core.fsmonitor true /tmp/x",
    "filter.x.smudge cat",
    "filter.lfs.smudge sh -c x",
    "filter.lfs.clean git-lfs clean; sh",
    "filter.lfs.clean git-lfs clean -- %f sh",
    "filter.x git-lfs y.clean z",
    "hook.x.command y",
    "merge.x.driver y",
    "commit.gpgsign true",
    "commit.gpgsign",
    "url.ext::sh.insteadof https://a",
    "remote.origin.vcs x",
    "credential.helper !gh auth git-credential",
    "credential.https://a.b.helper /tmp/x",
    "credential.helper store; sh",
    "credential.helper store --file /tmp/x;sh",
    "credential.helper store --file $(sh)",
    "credential.x store.helper !sh",
    "core.askpass /tmp/x",
    "branch.main.mergeoptions --strategy=x",
    "submodule.a.update !sh",
  ])("that names a program is refused: %s", async (line) => {
    expect(await refused(line)).toMatch(/^refused: .*person's approval/);
  });

  it.each([
    "",
    "core.fsmonitor true",
    "core.fsmonitor false",
    "core.fsmonitor",
    "filter.lfs.smudge git-lfs smudge -- %f",
    "filter.lfs.process git-lfs filter-process",
    "filter.x.clean ",
    "commit.gpgsign false",
    "credential.helper ",
    "credential.https://a.b.helper store --file /tmp/x",
    "credential.helper cache --timeout=60",
    "branch.main.mergeoptions --no-ff --no-edit",
    "submodule.a.update rebase",
  ])("that names none is not: %j", async (line) => {
    expect(await refused(line)).toBe("undefined");
  });
});
