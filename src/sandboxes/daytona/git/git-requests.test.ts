import type { Sandbox } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import { DaytonaFailure } from "../client/failure.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { GitRequests } from "./git-requests.ts";

const sandbox = {} as Sandbox;
const { signal } = new AbortController();

function ask(failure: DaytonaFailure, host: string | null) {
  const toolbox = { ask: () => Promise.reject(failure) } as unknown as Toolbox;
  const attempt = { what: host === null ? "The commit" : "The clone", host, login: null, branch: null };
  return new GitRequests(toolbox).ask(
    sandbox,
    host === null ? { path: "commit" } : { path: "clone", timeout_ms: 270_000 },
    attempt,
    signal,
  );
}

describe("a timeout of a request to the sandbox's git", () => {
  const late = new DaytonaFailure("no answer in time", { is_timeout: true });

  it("is attributed to the remote's host if the operation needs one", async () => {
    const message = /^The clone did not end within 270 seconds: git\.example\.com answers slowly or not at all/;
    await expect(ask(late, "git.example.com")).rejects.toMatchObject({
      code: "failed",
      message: expect.stringMatching(message),
    });
  });

  it("is attributed to the operation itself, such as a hook, if it needs no remote", async () => {
    const message = /^The commit did not end within 120 seconds: a hook of the repository/;
    await expect(ask(late, null)).rejects.toMatchObject({ code: "failed", message: expect.stringMatching(message) });
  });

  it("is not reported if the connection broke", async () => {
    const broken = new DaytonaFailure("Network connection lost");
    await expect(ask(broken, "git.example.com")).rejects.toBe(broken);
  });
});
