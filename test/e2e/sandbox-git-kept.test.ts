// Work that the daemon's own git loses (`dev/daytona/git.ts`), done with git tools in a sandbox: none of it is
// lost.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, SandboxError } from "../../src/agent/sandbox.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";
import { type GitServer, startGitServer } from "./git-server.ts";

const { signal } = new AbortController();
let fixture: Fixture;
let host: GitServer;
let sandbox: Sandbox;
let count = 0;

beforeAll(async () => {
  [fixture, host] = await Promise.all([startFixture({ apiKey, privateUrlsAllowed: true }), startGitServer()]);
  sandbox = open(null);
});

function open(source: { url: string } | null) {
  return createDaytonaSandbox({
    ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name: "kept", labels: {} },
    onState: () => {},
    git: { access: { findLogin: async () => null }, source },
  });
}

afterAll(async () => {
  await fixture.dispose();
  await host.close();
});

async function run(command: string, folder = "."): Promise<string> {
  const request = { command_id: `call_${++count}`, command: `cd ${folder} && { ${command}\n}`, wait_ms: 20_000 };
  return (await sandbox.runCommand(request, () => {}, signal)).output;
}

const clone = (url: string, path: string) => sandbox.git.clone({ url, path, branches: [] }, signal);
const commit = (path: string, files: string[] | null = null) =>
  sandbox.git.commit(path, { message: "ours", files, author: null, email: null }, signal);
const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error as SandboxError,
  );

describe("git tools keep", () => {
  it("what others pushed, where a pull meets local changes", async () => {
    const repository = await host.addRepository("pulled", { files: { a: "1\n", b: "1\n" } });
    await clone(repository.url, "pulled");
    await repository.commit("main", { a: "theirs\n", new: "theirs\n" });
    await run("echo mine > a; echo mine > new", "pulled");
    const refused = await failure(sandbox.git.pull("pulled", null, signal));
    expect(refused).toBeInstanceOf(SandboxError);
    expect(await run("cat a new; git status --porcelain", "pulled")).toBe("mine\nmine\n M a\n?? new\n");
    await run("git checkout -q a; rm new; echo mine > b", "pulled");
    await commit("pulled");
    await sandbox.git.pull("pulled", null, signal);
    await sandbox.git.push("pulled", null, signal);
    const there = await Promise.all(["a", "b", "new"].map((name) => repository.read("main", name)));
    expect(there).toEqual(["theirs\n", "mine\n", "theirs\n"]);
  });

  it("what is staged, where a branch is made and checked out", async () => {
    const { url } = await host.addRepository("staged", { files: { a: "1\n", b: "1\n" } });
    await clone(url, "staged");
    await run("echo staged > a; git add a; echo changed > b", "staged");
    await sandbox.git.createBranch("staged", "dev", signal);
    await sandbox.git.checkoutBranch("staged", "main", signal);
    expect(await run("git status --porcelain; git show :a; cat b; git branch --show-current", "staged")).toBe(
      "M  a\n M b\nstaged\nchanged\nmain\n",
    );
    expect((await failure(sandbox.git.createBranch("staged", "dev", signal)))?.message).toMatch(/dev exists already/);
  });

  it("both parents of a merge, and work in repositories that the library does not read", async () => {
    const repository = await host.addRepository("merged", { files: { a: "1\n" } });
    await clone(repository.url, "merged");
    await repository.commit("main", { a: "theirs\n" });
    await run("echo mine > a", "merged");
    await commit("merged");
    expect((await failure(sandbox.git.pull("merged", null, signal)))?.message).toMatch(/git merge --abort/);
    await run("echo both > a", "merged");
    await commit("merged");
    expect(await run("git log -1 --format=%P | wc -w; git rev-parse origin/HEAD", "merged")).toMatch(
      /^2\n[0-9a-f]{40}\n$/,
    );
    await run(
      "git worktree add -q ../beside -b side; echo 2 > ../beside/a; git init -q -b main ../first; echo 1 > ../first/a",
      "merged",
    );
    expect(await commit("beside")).toMatchObject({ branch: "side" });
    expect(await sandbox.git.status("first", signal)).toMatchObject({ branch: "main", changes: [{ path: "a" }] });
    expect(await commit("first")).toMatchObject({ branch: "main" });
    await run("git init -q --bare -b main ../disk.git; git remote set-url origin ../disk.git", "merged");
    await sandbox.git.push("merged", null, signal);
    await sandbox.git.pull("merged", null, signal);
  });
});

it("a project's clone runs no filter that settings in the sandbox name, and has the file as the repository has it", async () => {
  const { url } = await host.addRepository("filtered", { files: { a: "pointer\n" } });
  await run(
    "git config --global filter.x.smudge 'touch ~/ran; cat'; git config --global filter.x.required true; git config --global core.attributesFile ~/attributes; echo '* filter=x' > ~/attributes",
  );
  const project = open({ url });
  const look = { command_id: "look", command: "cat filtered/a; ls ~/ran; rm ~/.gitconfig", wait_ms: 20_000 };
  const { output } = await project.runCommand(look, () => {}, signal);
  expect(output).toMatch(/^pointer\n.*No such file/);
  expect(project.readRepositoryNotice?.()).toContain("in the folder filtered (branch main)");
});
