import { describe, expect, it } from "vitest";
import { SandboxError } from "../../../agent/sandbox.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { GitRequest, GitRequests } from "./git-requests.ts";
import { askRestricted, requireNoPrograms } from "./restricted-git.ts";

const { signal } = new AbortController();
const sandbox = {} as SdkSandbox;
const attempt = { what: "The commit", host: null, login: null, branch: null };

/** A sandbox in which each command prints that, and what was asked of its daemon. */
function answering(output: string) {
  const asked: string[] = [];
  const commands: string[] = [];
  const requests = {
    run: async (_sandbox: SdkSandbox, command: string) => {
      commands.push(command);
      return output;
    },
    ask: async (_sandbox: SdkSandbox, { path }: GitRequest) => {
      asked.push(path);
      return "daemon";
    },
  } as unknown as GitRequests;
  return { requests, asked, commands };
}

const commit: GitRequest = { path: "commit", json: { path: "/r", message: "it's", author: "A", email: "a@b" } };

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(String, (reason: unknown) => reason);
  return error instanceof SandboxError ? `${error.code}: ${error.message}` : String(error);
}

describe("git that runs no programs", () => {
  it("leaves to the daemon what needs a remote, and everything where the sandbox has no git", async () => {
    const remote = answering("");
    for (const path of ["clone", "push", "pull"])
      await askRestricted(remote.requests, sandbox, { path, json: {} }, attempt, signal);
    expect([remote.asked, remote.commands]).toEqual([["clone", "push", "pull"], []]);
    const without = answering("none\n");
    expect(await askRestricted(without.requests, sandbox, commit, attempt, signal)).toBe("daemon");
  });

  it("passes values as arguments and reads what git printed", async () => {
    const { requests, commands } = answering("0123abc\nhook pre-commit\n\x1f\ncode 0");
    expect(await askRestricted(requests, sandbox, commit, attempt, signal)).toEqual({
      ...{ hash: "0123abc", skipped_hooks: ["pre-commit"] },
    });
    expect(commands[0]).toMatch(/ '\/r' 'commit' 'it'\\''s' 'A' 'a@b'$/);
  });

  it("explains a failure, accepts one that is none, and names a filter", async () => {
    const fail = (said: string) =>
      askRestricted(answering(`\x1f${said}\ncode 1`).requests, sandbox, commit, attempt, signal);
    expect(await failureOf(fail("fatal: 'x' could not be locked"))).toMatch(
      /^invalid: The commit failed\. It said: fatal/,
    );
    expect(await failureOf(fail("fatal: a: clean filter 'lfs' failed"))).toMatch(/^refused: .*the filter `lfs`/);
    const { requests } = answering("nothing to commit\n\x1f\ncode 1");
    expect(await askRestricted(requests, sandbox, commit, attempt, signal, ["nothing_staged"])).toBeNull();
    expect(await failureOf(askRestricted(answering("").requests, sandbox, commit, attempt, signal))).toMatch(
      /not come to an end/,
    );
  });

  it("refuses a list of files that no command holds", async () => {
    const add = { path: "add", json: { path: "/r", files: Array.from({ length: 20_000 }, (_, at) => `file-${at}`) } };
    expect(await failureOf(askRestricted(answering("").requests, sandbox, add, attempt, signal))).toMatch(/too long/);
  });
});

describe("before a remote is reached, a setting", () => {
  const refused = (line: string) =>
    failureOf(
      requireNoPrograms(
        answering(line === "" ? "" : `${line}\x1e`).requests,
        { sandbox, folder: "/r", attempt },
        signal,
      ),
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
