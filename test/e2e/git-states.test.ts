// Git tools on repositories in every state that git knows: each ends in the right state or in an error that says what
// to do, and never in lost work. The commands run in a shell of this machine; their remotes are over HTTP or on disk.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SandboxError } from "../../src/agent/sandbox.ts";
import { openShellGit, type ShellGit } from "../fakes/shell-git.ts";
import { type GitPlace, openGitPlace } from "./git-place.ts";
import type { Files, GitServer, Repository } from "./git-server.ts";

const { signal } = new AbortController();
let opened: GitPlace;
let home: string;
let host: GitServer;
let place: ShellGit;

beforeAll(async () => {
  opened = await openGitPlace();
  ({ home, host, place } = opened);
});

afterAll(() => opened.close());

const run = (command: string, folder = ".") => place.run(`cd ${folder} && { ${command}\n}`);
const clone = (url: string, path: string, branches: string[] = []) => place.git.clone({ url, path, branches }, signal);
const pull = (path: string) => place.git.pull(path, null, signal);
const push = (path: string) => place.git.push(path, null, signal);
const commit = (path: string, message: string, files: string[] | null = null, run_hooks = false) =>
  place.git.commit(path, { message, files, author: null, email: null, run_hooks }, signal);

/** A repository at the host, and a clone of it in the folder of that name. */
async function prepare(name: string, files: Files = { a: "1\n", b: "1\n" }): Promise<Repository> {
  const repository = await host.addRepository(name, { files });
  await clone(repository.url, name);
  return repository;
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SandboxError);
  return `${(error as SandboxError).code}: ${(error as Error).message}`;
}

describe.concurrent("a pull", () => {
  it("keeps changes to other files, staged or not, and files that git does not know", async () => {
    const { commit: push } = await prepare("kept");
    await push("main", { a: "theirs\n" });
    await run("echo mine > b; echo mine > new; echo staged > c; git add c", "kept");
    await pull("kept");
    expect(await run("cat a b new c; git status --porcelain", "kept")).toBe(
      "theirs\nmine\nmine\nstaged\n M b\nA  c\n?? new\n",
    );
  });

  it("is refused where it would overwrite a change, without any effect, and the remote's lines are not undone", async () => {
    const repository = await prepare("dirty");
    await repository.commit("main", { a: "1\ntheirs\n", b: "theirs\n" });
    await run("sed -i '1i mine' a", "dirty");
    const before = await run("git rev-parse HEAD; git status --porcelain", "dirty");
    expect(await failureOf(pull("dirty"))).toMatch(/^invalid: .*git_commit/);
    expect(await run("git rev-parse HEAD; git status --porcelain; head -1 a", "dirty")).toBe(`${before}mine\n`);
    await commit("dirty", "mine");
    await failureOf(push("dirty"));
    await pull("dirty").catch(() => run("git checkout -q --theirs a && sed -i '1i mine' a && git add a", "dirty"));
    await commit("dirty", "merged");
    await push("dirty");
    expect([await repository.read("main", "a"), await repository.read("main", "b")]).toEqual([
      expect.stringMatching(/^mine\n[\s\S]*theirs\n$/),
      "theirs\n",
    ]);
  });

  it("does not overwrite a file that git does not know", async () => {
    const repository = await prepare("unknown");
    await repository.commit("main", { new: "theirs\n" });
    await run("echo mine > new", "unknown");
    expect(await failureOf(pull("unknown"))).toMatch(/^invalid: .*does not know yet are in the way.*new/);
    expect(await run("cat new; git status --porcelain", "unknown")).toBe("mine\n?? new\n");
  });

  it("merges what has diverged, in the name of git's settings or ours", async () => {
    const repository = await prepare("apart");
    await repository.commit("main", { a: "theirs\n" });
    await run("echo mine > b; git config user.name Ada; git config user.email ada@x.y", "apart");
    await commit("apart", "mine");
    await pull("apart");
    await push("apart");
    const log = await repository.git("log", "-1", "--format=%an %ce %s|%P", "main");
    expect(log).toMatch(/^Ada ada@x\.y Merge branch 'main' of http.*\|[0-9a-f]{40} [0-9a-f]{40}\n$/);
  });

  it("that conflicts is resolved and committed with both parents, and not before", async () => {
    const repository = await prepare("conflict", { a: "1\n", gone: "1\n", other: "1\n" });
    await repository.commit("main", { a: "theirs\n", gone: "theirs\n", other: "theirs\n" });
    await run("echo mine > a; rm gone", "conflict");
    await commit("conflict", "mine");
    expect(await failureOf(pull("conflict"))).toMatch(/^invalid: .*git merge --abort/);
    expect(await failureOf(pull("conflict"))).toMatch(/^invalid: .*git merge --abort/);
    expect(await place.git.status("conflict", signal)).toMatchObject({
      note: expect.stringContaining("merge is under"),
    });
    expect(await failureOf(commit("conflict", "too early"))).toMatch(/^invalid: .*Resolve them.*: a gone/);
    await run("echo both > a", "conflict");
    expect(await failureOf(commit("conflict", "still too early"))).toMatch(/: gone/);
    const made = await commit("conflict", "merged", ["a", "gone"]);
    expect(made?.hash).toMatch(/^[0-9a-f]{40}$/);
    expect(await run("git log -1 --format=%P | wc -w; cat a gone other; git status --porcelain", "conflict")).toBe(
      "2\nboth\ntheirs\ntheirs\n",
    );
    await push("conflict");
    expect(await repository.read("main", "a")).toBe("both\n");
  });

  it("merges no history that has nothing in common, and says so", async () => {
    const repository = await prepare("anew");
    await repository.git("update-ref", "-d", "refs/heads/main");
    await repository.commit("main", { x: "another\n" });
    await run("echo 2 > a", "anew");
    await commit("anew", "mine");
    expect(await failureOf(pull("anew"))).toMatch(/^invalid: .*no commit in common.*allow-unrelated/);
    expect(await run("ls; git status --porcelain", "anew")).toBe("a\nb\n");
  });
});

describe.concurrent("a repository", () => {
  it("without a commit has a status, branches, a first commit, a push and a pull", async () => {
    const [hollow, full] = [
      await host.addRepository("hollow"),
      await host.addRepository("full", { files: { x: "1\n" } }),
    ];
    await run(`git init -q -b main empty && cd empty && git remote add origin ${hollow.url} && echo 1 > a`);
    expect(await place.git.status("empty", signal)).toMatchObject({ branch: "main", changes: [{ path: "a" }] });
    expect(await place.git.listBranches("empty", signal)).toMatchObject({ branches: [] });
    expect(await place.git.createBranch("empty", "trunk", signal)).toMatchObject({ branch: "trunk" });
    expect(await commit("empty", "first")).toMatchObject({ branch: "trunk" });
    await push("empty");
    expect(await hollow.read("trunk", "a")).toBe("1\n");
    await run(`git init -q -b main unborn && git -C unborn remote add origin ${full.url}`);
    await pull("unborn");
    expect(await run("cat x; git log --format=%s", "unborn")).toBe("1\nfirst\n");
    const made = await clone(hollow.url.replace("hollow", "nothing"), "nothing").catch(() => null);
    expect(made).toBeNull();
  });

  it("that is cloned has all branches, the remote's HEAD, and no trace of how", async () => {
    const repository = await host.addRepository("whole", { files: { a: "1\n" }, branches: { dev: { b: "2\n" } } });
    await clone(repository.url, "whole");
    expect(
      await run("git branch -a --format='%(refname:short)'; ls -A; git status --porcelain; git fsck", "whole"),
    ).toBe("main\norigin\norigin/dev\norigin/main\n.git\na\n");
    expect(await run("cat .git/refs/remotes/origin/HEAD .git/config; ls .git; ls -A ..", "whole")).not.toMatch(
      /taskloom/,
    );
    expect(await place.git.checkoutBranch("whole", "dev", signal)).toMatchObject({ branch: "dev" });
    expect(await place.git.status("whole", signal)).toMatchObject({ is_published: true, ahead: 0 });
    const hollow = await host.addRepository("void");
    expect(await clone(hollow.url, "void")).toMatchObject({
      branch: "main",
      note: expect.stringContaining("is empty"),
    });
  });

  it("is cloned with the hooks of the person's template, and not its format", async () => {
    const { url } = await host.addRepository("formed", { files: { a: "1\n" } });
    await run(
      "mkdir -p formed/tpl/hooks; cd formed; echo '#!/bin/sh' > tpl/hooks/pre-push; git config -f tpl/config a.b c",
    );
    const { git, run: look } = openShellGit({ home: join(home, "formed") });
    await look("git config --global init.templateDir $HOME/tpl; git config --global init.defaultObjectFormat sha256");
    await git.clone({ url, path: "work", branches: [] }, signal);
    expect(await look("cd work; ls .git/hooks; git config a.b; git rev-parse --show-object-format; git fsck")).toBe(
      "pre-push\nsha1\n",
    );
  });

  it("is cloned into the work dir itself, if that is empty", async () => {
    const { url } = await host.addRepository("here", { files: { a: "1\n" } });
    await run("mkdir alone");
    const { git, run: look } = openShellGit({ home: join(home, "alone") });
    expect(await git.clone({ url, path: "", branches: [] }, signal)).toMatchObject({ branch: "main" });
    expect(await look("ls -A; git status --porcelain")).toBe(".git\na\n");
  });

  it("that is shallow is pulled and pushed", async () => {
    const repository = await host.addRepository("thin", { files: { a: "1\n" } });
    await repository.commit("main", { a: "2\n" });
    await run(`git clone -q --depth 1 ${repository.url} thin`);
    await repository.commit("main", { b: "theirs\n" });
    await run("echo mine > c", "thin");
    await commit("thin", "mine");
    await pull("thin");
    await push("thin");
    expect(await run("git rev-parse --is-shallow-repository; ls; git fsck", "thin")).toBe("true\na\nb\nc\n");
    expect(await repository.git("rev-list", "--count", "main")).toBe("5\n");
  });

  it("of which only a part was cloned is pulled and pushed, and brings tags and other branches", async () => {
    const repository = await host.addRepository("part", { files: { a: "1\n" }, branches: { dev: { d: "1\n" } } });
    await repository.git("config", "uploadpack.allowFilter", "true");
    await run(`git clone -q --filter=blob:none ${repository.url} part`);
    await repository.commit("main", { b: "theirs\n" });
    await repository.commit("dev", { d: "theirs\n" });
    await repository.git("tag", "v1", "main");
    await run("echo mine > c", "part");
    await commit("part", "mine");
    expect(await place.git.pull("part", null, signal)).toMatchObject({ commits: 1 });
    await push("part");
    expect(await place.git.pull("part", null, signal)).toMatchObject({ commits: 0 });
    expect(
      await run("cat a b c; git tag; git status --porcelain --branch; git show origin/dev:d; git fsck", "part"),
    ).toBe("1\ntheirs\nmine\nv1\n## main...origin/main\ntheirs\n");
    expect(await run("git symbolic-ref refs/remotes/origin/HEAD", "part")).toBe("refs/remotes/origin/main\n");
  });

  it("that follows another branch, or no branch of its remote, is pulled as that says", async () => {
    const repository = await prepare("follows");
    await repository.commit("next", { b: "next\n" });
    await run(
      "git config remote.origin.fetch +refs/heads/next:refs/remotes/origin/soon; git config branch.main.merge refs/heads/next",
      "follows",
    );
    expect(await place.git.pull("follows", null, signal)).toMatchObject({ commits: 1 });
    expect(await run("cat b; git rev-parse --abbrev-ref @{upstream}", "follows")).toBe("next\norigin/soon\n");
    await run("git config branch.main.merge refs/heads/none", "follows");
    expect(await failureOf(pull("follows"))).toMatch(/^not_found: .*does not exist there/);
    await run(
      "git config remote.origin.fetch +refs/heads/*:refs/heads/*; git config branch.main.merge refs/heads/main",
      "follows",
    );
    await repository.commit("main", { a: "theirs\n" });
    await run("echo mine > c", "follows");
    await commit("follows", "mine");
    await pull("follows");
    expect(await run("cat a c; git status --porcelain", "follows")).toBe("theirs\nmine\n");
  });

  it("with hashes of SHA-256 is pulled and pushed", async () => {
    await run(
      "git init -q --bare --object-format=sha256 -b main long.git; git clone -q long.git long; echo 1 > long/a",
    );
    await commit("long", "first");
    await push("long");
    await run("git clone -q long.git longer; echo 2 > long/a");
    await commit("long", "second");
    await push("long");
    expect(await place.git.pull("longer", null, signal)).toMatchObject({ commits: 1 });
    expect(await run("cat a; git status --porcelain --branch", "longer")).toBe("2\n## main...origin/main\n");
  });

  it("on a detached head is committed to, and neither pushed nor pulled", async () => {
    await prepare("loose");
    await run("git checkout -q --detach; echo 2 > a", "loose");
    expect(await commit("loose", "on no branch")).toMatchObject({ branch: null, hash: expect.any(String) });
    for (const work of [push, pull])
      expect(await failureOf(work("loose"))).toMatch(/^invalid: No branch is checked out/);
  });

  it("in a rebase says what ends it", async () => {
    const repository = await prepare("rebased");
    await repository.commit("main", { a: "theirs\n" });
    await run(
      "echo mine > a; git -c user.name=a -c user.email=b commit -qam mine; git fetch -q; git rebase -q origin/main",
      "rebased",
    );
    expect(await failureOf(pull("rebased"))).toMatch(/A rebase is under way: `git rebase --continue`/);
  });

  it("has work trees, which are worked in one by one", async () => {
    const repository = await prepare("trees");
    await run("git worktree add -q ../beside -b side", "trees");
    await run("echo 2 > a", "beside");
    expect(await commit("beside", "in the other tree")).toMatchObject({ branch: "side", path: "beside" });
    await push("beside");
    expect(await repository.read("side", "a")).toBe("2\n");
    await repository.commit("side", { b: "theirs\n" });
    await pull("beside");
    expect(await run("cat b; ls ../trees/.git | grep taskloom", "beside")).toBe("theirs\n");
    expect(await failureOf(place.git.checkoutBranch("trees", "side", signal))).toMatch(/another work tree/);
  });

  it("has submodules, whose commits are recorded and whose folders are left alone", async () => {
    const inner = await host.addRepository("inner", { files: { i: "1\n" } });
    const outer = await prepare("outer");
    await run(`git submodule --quiet add ${inner.url} sub`, "outer");
    expect((await place.git.status("outer", signal)).changes.map(({ path }) => path)).toEqual([".gitmodules", "sub"]);
    await commit("outer", "with a submodule");
    await push("outer");
    expect(await clone(outer.url, "outer-2")).toMatchObject({ note: expect.stringContaining("git submodule update") });
    await run("git submodule --quiet update --init; echo mine > sub/i", "outer-2");
    await outer.commit("main", { b: "theirs\n" });
    await pull("outer-2");
    expect(await run("cat b sub/i", "outer-2")).toBe("theirs\nmine\n");
  });

  it("with files of Git LFS has pointers, which stay usable", async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 12345\n`;
    const repository = await host.addRepository("large", {
      files: { ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "x.bin": pointer },
    });
    expect(await clone(repository.url, "large")).toMatchObject({
      note: expect.stringContaining("pointers of Git LFS"),
    });
    expect(await run("cat x.bin", "large")).toBe(pointer);
    await run("echo 2 > a", "large");
    await commit("large", "beside a pointer");
    await push("large");
    await run("printf '#!/bin/sh\\ngit lfs pre-push\\n' > .git/hooks/pre-push; chmod +x .git/hooks/pre-push", "large");
    expect(await push("large")).toMatchObject({ skipped_hooks: ["pre-push"] });
    expect(await repository.read("main", "x.bin")).toBe(pointer);
    await run(
      "git config filter.lfs.process no-such-lfs; git config filter.lfs.required true; echo 3 > y.bin",
      "large",
    );
    expect(await failureOf(commit("large", "needs the filter"))).toMatch(/^failed: .*Install its program/);
  });
});
