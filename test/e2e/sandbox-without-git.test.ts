// A sandbox whose image has no git: the daemon's own does what it can do without losing work, and each result says so.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "../../src/agent/sandbox.ts";
import type { GitLogin } from "../../src/protocol/git-credential.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";
import { type GitServer, startGitServer } from "./git-server.ts";

const { signal } = new AbortController();
const ann: GitLogin = { username: "ann", password: "canary-7b1e pass" };
const NOTE = /git is not installed in this sandbox/;
let fixture: Fixture;
let host: GitServer;
let sandbox: Sandbox;
let count = 0;

beforeAll(async () => {
  [fixture, host] = await Promise.all([startFixture({ apiKey, privateUrlsAllowed: true }), startGitServer()]);
  const open = (source: { url: string } | null) =>
    createDaytonaSandbox({
      ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name: "bare", labels: {} },
      onState: () => {},
      git: { access: { findLogin: async () => ann }, source },
    });
  await fixture.client.create({ name: "bare", envVars: { PATH: "/home/daytona/tools" } });
  const make = "PATH=/usr/bin; mkdir tools && ln -s /usr/bin/* tools && rm tools/git*";
  await run(make, open(null));
  const { url } = await host.addRepository("project", { files: { a: "1\n" }, credentials: ann });
  sandbox = open({ url });
});

afterAll(async () => {
  await fixture.dispose();
  await host.close();
});

async function run(command: string, where = sandbox): Promise<string> {
  const request = { command_id: `call_${++count}`, command, wait_ms: 20_000 };
  return (await where.runCommand(request, () => {}, signal)).output;
}

const commit = (path: string) =>
  sandbox.git.commit(path, { message: "two", files: null, author: null, email: null }, signal);

describe("a sandbox without git", () => {
  it("has the project's repository all the same, and the model reads how", async () => {
    expect(await run("command -v git; cat project/a")).toBe("1\n");
    expect(sandbox.readRepositoryNotice?.()).toMatch(/in the folder project \(branch main\)\..*git is not installed/);
  });

  it("clones, commits, pushes and pulls, and each result says who did it", async () => {
    const repository = await host.addRepository("shop", { files: { a: "1\n" }, credentials: ann });
    const cloned = await sandbox.git.clone({ url: repository.url, path: "shop", branches: [] }, signal);
    expect(cloned).toEqual({ path: "shop", branch: "main", note: expect.stringMatching(NOTE) });
    await run("echo 2 > shop/a");
    expect(await sandbox.git.status("shop", signal)).toMatchObject({
      changes: [{ path: "a", unstaged: "Modified" }],
      note: expect.stringMatching(NOTE),
    });
    expect(await commit("shop")).toMatchObject({ hash: expect.any(String), note: expect.stringMatching(NOTE) });
    expect(await commit("shop")).toBeNull();
    await sandbox.git.push("shop", null, signal);
    expect(await repository.read("main", "a")).toBe("2\n");
    await repository.commit("main", { b: "theirs\n" });
    await sandbox.git.pull("shop", null, signal);
    expect(await run("cat shop/b")).toBe("theirs\n");
    expect(await sandbox.git.createBranch("shop", "dev", signal)).toMatchObject({ branch: "dev" });
  });

  it("is refused what would lose work, before anything happens", async () => {
    const repository = await host.addRepository("risky", { files: { a: "1\n", b: "1\n" }, credentials: ann });
    await sandbox.git.clone({ url: repository.url, path: "risky", branches: [] }, signal);
    const before = await run("cat risky/.git/HEAD risky/.git/refs/heads/main");
    await repository.commit("main", { b: "theirs\n", new: "theirs\n" });
    await run("echo mine > risky/new");
    const works = [
      () => sandbox.git.pull("risky", null, signal),
      () => sandbox.git.createBranch("risky", "dev", signal),
      () => sandbox.git.checkoutBranch("risky", "main", signal),
    ];
    for (const work of works) {
      await expect(work()).rejects.toMatchObject({
        code: "invalid",
        message: expect.stringMatching(/was not begun: there are changes .*Commit them first, or install git/),
      });
    }
    expect(await run("cat risky/new; cat risky/.git/HEAD risky/.git/refs/heads/main")).toBe(`mine\n${before}`);
    await run("rm risky/new; cp risky/.git/refs/heads/main risky/.git/MERGE_HEAD; echo 2 > risky/a");
    await expect(commit("risky")).rejects.toMatchObject({ message: expect.stringMatching(/a merge is under way/) });
  });
});
