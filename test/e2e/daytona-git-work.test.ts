/**
 * Work on a repository in a sandbox, through the unmodified SDK: the git operations that need more than a clone.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ann, type GitFixture, startGitFixture } from "./daytona-git-fixture.ts";

let opened: GitFixture;
let host: GitFixture["host"];
let sandbox: GitFixture["sandbox"];
let shell: GitFixture["shell"];

beforeAll(async () => {
  opened = await startGitFixture();
  ({ host, sandbox, shell } = opened);
});

afterAll(() => opened.close());

async function write(path: string, text: string): Promise<void> {
  await sandbox.fs.uploadFile(Buffer.from(text), path);
}

describe("a repository in a sandbox", () => {
  it("is changed, committed, pushed and pulled, and its status shows each step", async () => {
    const repository = await host.addRepository("work", { files: { f: "1\n", g: "1\n" }, credentials: ann });
    await sandbox.git.clone(repository.url, "work", undefined, undefined, ann.username, ann.password);
    await write("work/f", "2\n");
    await write("work/sub/new file", "n");
    const named = Object.fromEntries((await sandbox.git.status("work")).fileStatus.map((file) => [file.name, file]));
    expect(named.f).toEqual({ name: "f", staging: "Unmodified", worktree: "Modified", extra: "" });
    expect(named["sub/new file"]).toMatchObject({ staging: "Untracked", worktree: "Untracked" });
    await sandbox.git.add("work", ["."]);
    const { sha } = await sandbox.git.commit("work", "第一\n\n# kept\n", "Ann Other", "ann@example.com");
    expect(await sandbox.git.status("work")).toMatchObject({ fileStatus: [] });
    await sandbox.git.push("work", ann.username, ann.password);
    expect((await repository.git("rev-parse", "main")).trim()).toBe(sha);
    expect(await repository.git("log", "-1", "--format=%an %ae %cn %B", "main")).toContain(
      "Ann Other ann@example.com Ann Other 第一\n\n# kept",
    );
    await repository.commit("main", { g: "theirs\n" });
    await sandbox.git.pull("work", ann.username, ann.password);
    expect(await shell("cat g", "work")).toBe("theirs\n");
  });

  it("loses by a pull with local changes what others have pushed, as the real daemon does", async () => {
    const repository = await host.addRepository("lost", { files: { f: "1\n", g: "1\n" } });
    await sandbox.git.clone(repository.url, "lost");
    await repository.commit("main", { f: "theirs\n", new: "theirs\n" });
    await write("lost/g", "mine\n");
    await expect(sandbox.git.pull("lost")).rejects.toMatchObject({
      name: "DaytonaGitDirtyWorktreeError",
      message: expect.stringContaining("worktree contains unstaged changes"),
    });
    // HEAD has moved, and the index has not.
    await sandbox.git.add("lost", ["."]);
    await sandbox.git.commit("lost", "as advised", "Ann", "ann@example.com");
    await sandbox.git.push("lost");
    expect(await repository.read("main", "f")).toBe("1\n");
    await write("lost/new", "mine, and unknown to git\n");
    await repository.commit("main", { new: "theirs\n" });
    await sandbox.git.pull("lost");
    expect(await shell("cat new", "lost")).toBe("theirs\n");
  });

  it("loses what is staged by a checkout, and a merge's parent by a commit", async () => {
    const repository = await host.addRepository("staged", { files: { f: "1\n" } });
    await sandbox.git.clone(repository.url, "staged");
    await shell(
      "git checkout -q -b dev; echo dev > g; git add g; git -c user.name=a -c user.email=b commit -qm dev; git checkout -q main",
      "staged",
    );
    await write("staged/f", "staged\n");
    await sandbox.git.add("staged", ["f"]);
    await sandbox.git.checkoutBranch("staged", "dev");
    expect(await shell("git status --porcelain; cat f", "staged")).toBe("1\n");
    await write("staged/f", "changed\n");
    await expect(sandbox.git.checkoutBranch("staged", "main")).rejects.toMatchObject({ statusCode: 409 });
    expect(await shell("git branch --show-current", "staged")).toBe("main\n");
    await shell("git reset -q --hard; git -c user.name=a -c user.email=b merge -q --no-ff --no-commit dev", "staged");
    await sandbox.git.commit("staged", "a merge", "Ann", "ann@example.com");
    expect(await shell("git log -1 --format=%P | wc -w", "staged")).toBe("1\n");
  });

  it("without a commit, or in an additional work tree, is not found", async () => {
    await shell(
      "git init -q bare-bones; git init -q -b main two; cd two; git -c user.name=a -c user.email=b commit -q --allow-empty -m x; git worktree add -q ../two-b",
    );
    for (const path of ["bare-bones", "two-b"]) {
      await expect(sandbox.git.status(path)).rejects.toMatchObject({ statusCode: 404, message: "reference not found" });
      await expect(sandbox.git.commit(path, "x", "Ann", "a@b.c", true)).rejects.toMatchObject({ statusCode: 404 });
    }
  });

  it("rejects with a code a push behind its remote, and what needs a merge", async () => {
    const repository = await host.addRepository("ahead", { files: { f: "1\n" } });
    await sandbox.git.clone(repository.url, "ahead");
    await repository.commit("main", { f: "theirs\n" });
    await write("ahead/f", "mine\n");
    await sandbox.git.add("ahead", ["f"]);
    await sandbox.git.commit("ahead", "mine", "Ann", "ann@example.com");
    await expect(sandbox.git.push("ahead")).rejects.toMatchObject({
      name: "DaytonaGitPushRejectedError",
      statusCode: 409,
    });
    await expect(sandbox.git.pull("ahead")).rejects.toMatchObject({ statusCode: 409 });
    expect(await shell("cat f", "ahead")).toBe("mine\n");
    const strict = await host.addRepository("strict", { files: { f: "1" }, refusal: "not on a Friday" });
    await sandbox.git.clone(strict.url, "strict");
    await sandbox.git.commit("strict", "empty", "Ann", "ann@example.com", true);
    await expect(sandbox.git.push("strict")).rejects.toMatchObject({
      name: "DaytonaGitRemoteRejectedError",
      statusCode: 422,
      message: expect.stringMatching(new RegExp(`not on a Friday[^]*To ${strict.url}`)),
    });
  });

  it("has branches that can be created, listed, checked out and deleted", async () => {
    const repository = await host.addRepository("branches", { files: { f: "1" }, branches: { theirs: { f: "2" } } });
    await sandbox.git.clone(repository.url, "branches");
    await sandbox.git.createBranch("branches", "mine");
    expect(await sandbox.git.branches("branches")).toEqual({ branches: ["main", "mine"], current: "mine" });
    await expect(sandbox.git.createBranch("branches", "mine")).rejects.toMatchObject({
      statusCode: 500,
      message: 'a branch named "refs/heads/mine" already exists',
    });
    await sandbox.git.commit("branches", "on mine", "Ann", "ann@example.com", true);
    await sandbox.git.push("branches", undefined, undefined, undefined, undefined, true);
    expect(await repository.git("branch", "--list")).toContain("mine");
    expect(await shell("git config branch.mine.merge", "branches")).toBe("refs/heads/mine\n");
    await sandbox.git.checkoutBranch("branches", "main");
    await sandbox.git.deleteBranch("branches", "mine");
    await expect(sandbox.git.checkoutBranch("branches", "mine")).rejects.toMatchObject({
      name: "DaytonaGitBranchNotFoundError",
    });
    await sandbox.git.deleteBranch("branches", "none");
  });

  it("is found at exactly the given path, and its hooks do not run", async () => {
    await shell("git init -q hooked");
    await shell("git -c user.name=a -c user.email=b commit -q --allow-empty -m first", "hooked");
    await write("hooked/sub/f", "1");
    await expect(sandbox.git.status("hooked/sub")).rejects.toMatchObject({ name: "DaytonaGitRepoNotFoundError" });
    await expect(sandbox.git.status("nowhere")).rejects.toMatchObject({ statusCode: 404 });
    await write("hooked/.git/hooks/pre-commit", "#!/bin/sh\ntouch ~/hook-ran\nexit 1\n");
    await shell(
      "chmod +x hooked/.git/hooks/pre-commit; git config --global core.excludesFile ~/ignored; echo '*' > ~/ignored",
    );
    expect((await sandbox.git.status("hooked")).fileStatus).toMatchObject([{ name: "sub/f", worktree: "Untracked" }]);
    await sandbox.git.commit("hooked", "x", "Ann", "ann@example.com", true);
    expect(await shell("ls ~/hook-ran; git config --global --unset core.excludesFile")).toContain("No such file");
  });
});
