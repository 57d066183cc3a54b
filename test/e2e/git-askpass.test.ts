// Where a git password goes when the sandbox's git needs it: to its host, by way of one pipe, once. What a process of
// the same user can read meanwhile holds none of it.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GitLogin } from "../../src/protocol/git-credential.ts";
import { openShellGit } from "../fakes/shell-git.ts";
import { type GitServer, spellBasic, startGitServer } from "./git-server.ts";

const { signal } = new AbortController();
const ann: GitLogin = { username: "ann", password: "canary-9f3d 'pass\\word\" $(x) ü" };
let home: string;
let host: GitServer;

beforeAll(async () => {
  [home, host] = await Promise.all([mkdtemp(join(tmpdir(), "taskloom-askpass-")), startGitServer()]);
});

afterAll(async () => {
  await host.close();
  await rm(home, { recursive: true, force: true });
});

const open = (options: Partial<Parameters<typeof openShellGit>[0]> = {}) =>
  openShellGit({ home, login: () => ann, ...options, variables: { TMPDIR: home, ...options.variables } });
const cloneOf = (url: string, path: string) => ({ url, path, branches: [] });

/** Environments and arguments of this machine's processes, and the names of what they have open. */
async function readProcesses(): Promise<string> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const read = (path: string) => readFile(path, "latin1").catch(() => "");
  const texts = await Promise.all(ids.flatMap((id) => [read(`/proc/${id}/environ`), read(`/proc/${id}/cmdline`)]));
  return texts.join("\n");
}

describe("a git password", () => {
  it("is in no process's arguments or environment while git runs, and in no file then or later", async () => {
    const repository = await host.addRepository("secret", { files: { a: "1\n" }, credentials: ann });
    let seen = "";
    let files = "";
    host.intercept = async ({ url, headers }) => {
      if (!url?.includes("/secret.git") || !headers.authorization) return false;
      seen += await readProcesses();
      files += await open().run(`grep -rls canary-9f3d "$HOME"; ls -A`);
      return false;
    };
    const { git, run } = open();
    await git.clone(cloneOf(repository.url, "secret"), signal);
    await run("echo 2 > secret/a");
    await git.commit("secret", { message: "two", files: null, author: null, email: null }, signal);
    await git.push("secret", null, signal);
    await repository.commit("main", { b: "theirs\n" });
    await git.pull("secret", null, signal);
    host.intercept = undefined;
    expect(seen).toContain("GIT_ASKPASS");
    expect(files).toContain(".taskloom-ask.");
    for (const text of [seen, files, await run(`grep -rls canary-9f3d "$HOME"; cat secret/.git/config`)]) {
      expect(text).not.toContain("canary-9f3d");
      expect(text).not.toContain(spellBasic(ann.username, ann.password).slice(6, 30));
      expect(text).not.toMatch(new RegExp(`^${home}.*$`, "m"));
    }
    expect(host.requests.map(({ authorization }) => authorization)).toContain(spellBasic(ann.username, ann.password));
    expect(await run("ls -A . secret/.git | grep taskloom")).toBe("");
  });

  it("is given by each shell that a daemon takes", async () => {
    const { url } = await host.addRepository("shells", { files: { a: "1\n" }, credentials: ann });
    for (const shell of ["bash", "dash", "sh"]) {
      await open({ shell }).git.clone(cloneOf(url, `shells-${shell}`), signal);
    }
    expect(await open().run("cat shells-*/a")).toBe("1\n1\n1\n");
  });

  it("is given to no other host: not by a redirect, and not by an address that changes after the check", async () => {
    const other = await startGitServer();
    const { url } = await host.addRepository("near", { files: { a: "1\n" }, credentials: ann });
    await other.addRepository("near", { files: { a: "1\n" }, credentials: ann });
    host.redirect("/away.git", `${other.origin}/near.git`);
    const away = open().git.clone(cloneOf(`${host.origin}/away.git`, "away"), signal);
    await expect(away).rejects.toMatchObject({ code: "refused" });
    const { git, run } = open();
    await git.clone(cloneOf(url, "near"), signal);
    // In the place of a program that waits for the moment between our check and git.
    const swap = `git -C near config url.${other.origin}/.insteadOf ${host.origin}/`;
    const sly = open({ prefix: (command) => (command.includes("TASKLOOM_GIT_HOST") ? `${swap}\n` : "") });
    await sly.git.pull("near", null, signal);
    expect(other.requests.length).toBeGreaterThan(0);
    expect(other.requests.map(({ path, authorization }) => [path.slice(0, 9), authorization])).toEqual([
      ["/near.git", undefined],
    ]);
    expect(await run("git -C near remote get-url origin")).toContain(other.origin);
    await other.close();
  });

  it("is answered once, and follows a redirect on its own host", async () => {
    const { url } = await host.addRepository("moved/here", { files: { a: "1\n" }, credentials: ann });
    host.redirect("/old.git", "/moved/here.git");
    await open().git.clone(cloneOf(`${host.origin}/old.git`, "old"), signal);
    // git asks a second time where a host refuses what it got, and gets no second answer.
    const wrong = open({ login: () => ({ username: "ann", password: "wrong canary-9f3d" }) });
    const refused = wrong.git.clone(cloneOf(url, "twice"), signal);
    await expect(refused).rejects.toMatchObject({ code: "refused", message: expect.not.stringContaining("canary") });
  });

  it("is in no trace that variables of the sandbox ask git for", async () => {
    const { url } = await host.addRepository("traced", { files: { a: "1\n" }, credentials: ann });
    const variables = {
      ...{ GIT_TRACE: `${home}/trace`, GIT_TRACE_CURL: `${home}/trace`, GIT_TRACE_REDACT: "0", GIT_CURL_VERBOSE: "1" },
      ...{ GIT_TRACE2_EVENT: `${home}/trace`, GIT_SSL_NO_VERIFY: "1", GIT_ASKPASS: "/bin/false", GIT_DIR: "/nowhere" },
    };
    const { git, run } = open({ variables });
    await git.clone(cloneOf(url, "traced"), signal);
    expect(await run("cat trace; env -u GIT_DIR git -C traced fsck 2>&1")).not.toMatch(/canary|Basic|basic/);
    expect(await run("cat traced/a")).toBe("1\n");
  });

  it("is not needed by what is public, and a host that asks is told apart", async () => {
    const { url } = await host.addRepository("public", { files: { a: "1\n" } });
    const shut = await host.addRepository("shut", { files: { a: "1\n" }, credentials: ann });
    const { git } = open({ login: () => null });
    await git.clone(cloneOf(url, "public"), signal);
    const asked = git.clone(cloneOf(shut.url, "shut"), signal);
    await expect(asked).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(/no credential is stored/),
    });
  });
});
