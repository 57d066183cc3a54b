import { describe, expect, it } from "vitest";
import { SandboxError } from "../../../agent/sandbox.ts";
import { DaytonaFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { GitAttempt, GitFault } from "./git-failure.ts";
import type { GitRequests } from "./git-requests.ts";
import { runGit } from "./git-run.ts";
import { type Transfer, writeTransfer } from "./remote-script.ts";
import { writeWork } from "./work-script.ts";

const { signal } = new AbortController();
const attempt: GitAttempt = { what: "The commit", host: null, login: null, branch: null };

/** What comes of a command that prints this, or fails so. */
function run(output: string | Error, { accepted = [] as GitFault[], is_restricted = false } = {}) {
  const requests = {
    run: async () => {
      if (output instanceof Error) throw output;
      return output;
    },
  } as unknown as GitRequests;
  const ask = { requests, sandbox: {} as SdkSandbox, attempt, accepted };
  return runGit(ask, { command: "x", limit_ms: 120_000, programs: { is_restricted } }, signal);
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(String, (reason: unknown) => reason);
  return error instanceof SandboxError ? `${error.code}: ${error.message}` : String(error);
}

describe("a git command", () => {
  it("returns git's output, and null where the sandbox has no git", async () => {
    expect(await run("0123abc\nhook pre-commit\n\x1f\ncode 0")).toBe("0123abc\nhook pre-commit\n");
    expect(await run("none\n")).toBeNull();
  });

  it("explains a failure, accepts one that is none, and names a filter", async () => {
    const fail = (said: string, options = {}) => failureOf(run(`\x1f${said}\ncode 1`, options));
    expect(await fail("fatal: 'x' is odd")).toMatch(/^invalid: The commit failed\. It said: fatal/);
    expect(await fail("fatal: Unable to create '/r/.git/index.lock': File exists.")).toMatch(
      /^failed: .*Another git works .*index\.lock/,
    );
    const filter = "fatal: a: clean filter 'lfs' failed";
    expect(await fail(filter, { is_restricted: true })).toMatch(/^refused: .*the filter `lfs`/);
    expect(await fail(filter)).toMatch(/^failed: .*Install its program/);
    expect(await run("nothing to commit\n\x1f\ncode 1", { accepted: ["nothing_staged"] })).toBe("");
    expect(await failureOf(run(""))).toMatch(/not come to an end/);
  });

  it("that the daemon ended in its time is reported as late", async () => {
    const late = new DaytonaFailure("command execution timeout", { status: 408 });
    expect(await failureOf(run(late))).toMatch(/^failed: The commit did not end within 120 seconds/);
  });
});

describe("the text of a command", () => {
  it("has values as arguments, and refuses a list of files that no argument holds", () => {
    const work = { name: "commit", root: "/r", message: "it's", author: "A", email: "a@b" } as const;
    const command = writeWork({ ...work, files: ["x y"] }, { is_restricted: true });
    expect(command).toMatch(/ 'taskloom' '\/r' 'commit' 'it'\\''s' 'A' 'a@b' 'x y'$/);
    const files = Array.from({ length: 20_000 }, (_, at) => `file-${at}`);
    expect(() => writeWork({ ...work, files }, { is_restricted: false })).toThrow(/too long/);
  });

  it("has a password for the shell's own printf only, before the arguments of any program", () => {
    const transfer: Omit<Transfer, "login"> = {
      ...({ action: "push", root: "/r", url: "https://Git.Example.com/a", branch: "main", seconds: 1 } as const),
      ...{ author: { name: "A", email: "a@b" }, programs: { is_restricted: false } },
    };
    const command = writeTransfer({ ...transfer, login: { username: "ann", password: "can'ary" } });
    expect(command.split("can'\\''ary")).toHaveLength(2);
    expect(command).toMatch(
      /^if \[ "\$\(command -v printf\)" = printf \]; then printf '%s\\n' 'can'\\''ary' \| \/bin\/sh/,
    );
    expect(command).toContain("'ann' 'https://git.example.com' ':443' 'https'");
    expect(writeTransfer({ ...transfer, login: null })).toMatch(/ <\/dev\/null$/);
    const broken = { username: "ann", password: "two\nlines" };
    expect(() => writeTransfer({ ...transfer, login: broken })).toThrow(/line break/);
  });
});
