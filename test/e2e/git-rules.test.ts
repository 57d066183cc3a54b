// What git tools refuse, leave out and clean up, beside `git-states.test.ts`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SandboxError } from "../../src/agent/sandbox.ts";
import { openShellGit, type ShellGit } from "../fakes/shell-git.ts";
import { type GitPlace, openGitPlace } from "./git-place.ts";
import type { GitServer, Repository } from "./git-server.ts";

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
const push = (path: string) => place.git.push(path, null, signal);
const commit = (path: string, message: string, run_hooks = false) =>
  place.git.commit(path, { message, files: null, author: null, email: null, run_hooks }, signal);

async function prepare(name: string): Promise<Repository> {
  const repository = await host.addRepository(name, { files: { a: "1\n", b: "1\n" } });
  await place.git.clone({ url: repository.url, path: name, branches: [] }, signal);
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

describe("branches", () => {
  it("that exist are not made again, and a checkout keeps what is staged and what is not", async () => {
    await prepare("branches");
    await run("git branch dev; echo staged > a; git add a; echo changed > b; echo new > c", "branches");
    expect(await failureOf(place.git.createBranch("branches", "dev", signal))).toMatch(
      /^invalid: .*dev exists already/,
    );
    expect(await place.git.checkoutBranch("branches", "dev", signal)).toMatchObject({ branch: "dev" });
    expect(await place.git.createBranch("branches", "more", signal)).toMatchObject({ branch: "more" });
    expect(await run("git status --porcelain; git show :a", "branches")).toBe("M  a\n M b\n?? c\nstaged\n");
    await commit("branches", "on more");
    await run("echo mine > a; git add a; echo again > b", "branches");
    expect(await failureOf(place.git.checkoutBranch("branches", "main", signal))).toMatch(/^invalid: .*git_commit/);
    expect(await run("git branch --show-current; git show :a; cat b", "branches")).toBe("more\nmine\nagain\n");
  });
});

describe("a remote", () => {
  it.each([
    ["git@github.com:ada/shop.git", "https://github.com/ada/shop.git"],
    ["ssh://git@git.example.com/ada/shop", "https://git.example.com/ada/shop"],
    ["git://git.example.com/ada/shop.git", "https://git.example.com/ada/shop.git"],
    ["ext::sh -c whoami", "https://…"],
  ])("over another protocol is refused with its address over https: %s", async (url, wanted) => {
    await run(`rm -rf other; git init -q -b main other; git -C other remote add origin '${url}'`);
    for (const work of ["push", "pull"] as const) {
      const said = await failureOf(place.git[work]("other", null, signal));
      expect(said).toMatch(/^invalid: `origin` is .*over https/);
      expect(said).toContain(`git remote set-url origin ${wanted}`);
    }
  });

  it("on disk is pushed to and pulled from, and one that is gone is reported", async () => {
    await run(
      "git init -q --bare -b main disk.git; git init -q -b main disk; git -C disk remote add origin ../disk.git",
    );
    await run("echo 1 > a", "disk");
    await commit("disk", "first");
    await push("disk");
    await run(
      "git clone -q disk.git twin; cd twin; echo 2 > a; git -c user.name=a -c user.email=b commit -qam two; git push -q",
    );
    await place.git.pull("disk", null, signal);
    expect(await run("cat a", "disk")).toBe("2\n");
    await run("rm -rf disk.git");
    expect(await failureOf(push("disk"))).toMatch(/^not_found: .*no repository at this address/);
    await run("git remote remove origin", "disk");
    expect(await failureOf(push("disk"))).toMatch(/no remote `origin`\. Add one/);
  });
});

describe("programs that files name", () => {
  it("do not run, except hooks of a commit that asks for them", async () => {
    const repository = await prepare("programs");
    const canary = `touch ${home}/ran`;
    const settings = [
      "core.fsmonitor",
      "core.sshCommand",
      "core.pager",
      "core.editor",
      "sequence.editor",
      "gpg.program",
    ];
    await run(
      [
        ...settings.map((name) => `git config ${name} '${canary}'`),
        `git config alias.status '!${canary}'; git config commit.gpgSign true`,
        `git config hook.mine.command '${canary}'; git config hook.mine.event pre-commit`,
        "mkdir -p .githooks; git config core.hooksPath .githooks",
        ...[
          "pre-commit",
          "commit-msg",
          "post-commit",
          "post-merge",
          "post-checkout",
          "pre-push",
          "reference-transaction",
        ].map((name) => `printf '#!/bin/sh\\ntouch ${home}/ran-${name}' > .githooks/${name}`),
        "chmod +x .githooks/*; echo .githooks >> .git/info/exclude; echo 2 > a",
      ].join("\n"),
      "programs",
    );
    await place.git.status("programs", signal);
    expect((await commit("programs", "without hooks"))?.skipped_hooks).toEqual([
      "pre-commit",
      "commit-msg",
      "post-commit",
    ]);
    await repository.commit("main", { b: "theirs\n" });
    await place.git.pull("programs", null, signal);
    expect(await push("programs")).toMatchObject({ skipped_hooks: ["pre-push"] });
    await place.git.createBranch("programs", "more", signal);
    await place.git.checkoutBranch("programs", "main", signal);
    expect(await run("ls | grep ^ran")).toBe("");
    await run("echo 3 > a; git config --unset core.fsmonitor; git config --unset commit.gpgSign", "programs");
    await run("printf '#!/bin/sh\\necho no, says the hook; exit 1' > .githooks/commit-msg", "programs");
    expect(await failureOf(commit("programs", "with hooks", true))).toMatch(/no, says the hook/);
    expect(await run("ls | grep ran-pre")).toBe("ran-pre-commit\n");
    await run("rm .githooks/commit-msg ../ran*", "programs");
    expect((await commit("programs", "with hooks", true))?.skipped_hooks).toBeUndefined();
    expect(await run("ls | grep ran-p")).toBe("ran-post-commit\nran-pre-commit\n");
    await run("rm -f ran*");
  });
});

describe("a restricted git", () => {
  it("refuses to run hooks, and pulls, pushes and commits without a program that settings name", async () => {
    const repository = await prepare("strict");
    const { git } = openShellGit({
      home,
      is_restricted: true,
      variables: { PATH: `${home}/tools:${process.env.PATH}` },
    });
    const request = { message: "x", files: null, author: null, email: null };
    expect(await failureOf(git.commit("strict", { ...request, run_hooks: true }, signal))).toMatch(
      /^refused: .*would run a program.*hooks/,
    );
    const program = `touch ${home}/ran-strict`;
    await run(
      `mkdir tools; for name in merge-odd odd; do printf '#!/bin/sh\n${program}\n' > tools/git-$name; chmod +x tools/git-$name; done`,
    );
    const settings = {
      ...{ "diff.odd.textconv": program, "core.fsmonitor": program, "credential.helper": `!${program}` },
      ...{ "core.askPass": program, "core.alternateRefsCommand": program, "gc.recentObjectsHook": program },
      ...{ "pull.twohead": "odd", "pull.octopus": "odd", "branch.main.mergeOptions": "--strategy=odd" },
      ...{
        "remote.origin.uploadpack": program,
        "remote.origin.receivepack": program,
        "submodule.x.update": `!${program}`,
      },
      ...{ "filter.lfs.smudge": "git-lfs smudge -- %f", "lfs.customtransfer.x.path": program, "gpg.program": program },
      ...{ "diff.external": program, "diff.odd.command": program, "core.editor": program, "core.pager": program },
      ...{ "alias.status": `!${program}`, "alias.merge": `!${program}`, "sequence.editor": program },
      ...{ "push.gpgSign": "true", "commit.gpgSign": "true", "gpg.ssh.defaultKeyCommand": program },
    };
    await run(
      Object.entries(settings)
        .map(([name, value]) => `git config ${name} '${value}'`)
        .join("\n"),
      "strict",
    );
    await run("echo 2 > a; echo '* diff=odd' > .git/info/attributes", "strict");
    expect(await git.commit("strict", request, signal)).not.toBeNull();
    await repository.commit("main", { b: "theirs\n" });
    await git.pull("strict", null, signal);
    await git.push("strict", null, signal);
    expect(await run("cat a b; ls .. | grep ran-strict", "strict")).toBe("2\ntheirs\n");
  });

  it("takes what a merge driver would merge for a conflict, and signatures that are wanted for missing", async () => {
    const repository = await prepare("driven");
    const { git } = openShellGit({ home, is_restricted: true });
    const request = { message: "x", files: null, author: null, email: null };
    await run(
      `git config merge.odd.driver 'touch ${home}/ran-driven'; git config gpg.program 'touch ${home}/ran-driven'; echo '* merge=odd' > .git/info/attributes; echo ours > b`,
      "driven",
    );
    await git.commit("driven", request, signal);
    await repository.commit("main", { b: "theirs\n" });
    expect(await failureOf(git.pull("driven", null, signal))).toMatch(/conflict/);
    expect(await run("git merge --abort; git config merge.verifySignatures true; cat b", "driven")).toBe("ours\n");
    expect(await failureOf(git.pull("driven", null, signal))).toMatch(/signature/);
    expect(await run("ls | grep ran-driven")).toBe("");
  });

  it("reaches a remote over http alone, wherever settings send it", async () => {
    await prepare("away");
    const { git } = openShellGit({ home, is_restricted: true });
    await run(
      `git init -q --bare ../bare; printf '#!/bin/sh\ntouch ${home}/ran-away\n' > ../bare/hooks/update; chmod +x ../bare/hooks/update`,
      "away",
    );
    for (const setting of [
      "remote.origin.pushurl ../bare",
      `url.${home}/bare.pushInsteadOf http`,
      "remote.origin.url ../bare",
    ]) {
      await run(`cp .git/config ../saved; git config ${setting}`, "away");
      expect(await failureOf(git.push("away", null, signal)), setting).toMatch(/^refused: .*not reached over https/);
      await run("cp ../saved .git/config", "away");
    }
    expect(await run("ls | grep ran-away")).toBe("");
  });
});

describe.concurrent("a lock that a killed git left", () => {
  // Other programs of this machine run git, too.
  const commitAlone = (path: string) =>
    openShellGit({ home, is_alone: true }).git.commit(
      path,
      { message: "after a kill", files: null, author: null, email: null },
      signal,
    );

  /** A lock and a note in the git directory of a new clone. */
  async function leave(path: string, words: string, made: string): Promise<void> {
    await prepare(path);
    const note = words === "" ? "" : `echo '${words}' > .git/taskloom-1.run;`;
    await run(`${note} touch -d ${made} .git/index.lock .git/refs/heads/main.lock; echo 2 > a`, path);
  }

  it("is removed where the note beside it is of a process of ours that has ended, and no git runs", async () => {
    await leave("ours", "here 999999 1", "now");
    expect(await commitAlone("ours")).not.toBeNull();
    expect(await run("find .git -name '*.lock' -o -name 'taskloom*'", "ours")).toBe("");
  });

  it("during a hook is removed by the next call, and what was staged is there", async () => {
    await prepare("amid");
    const hook = `[ "$1" = prepared ] || exit 0; touch ${home}/amid-hook; sleep 60`;
    await run(`echo '${hook}' > .git/hooks/reference-transaction; chmod +x .git/hooks/reference-transaction`, "amid");
    await run("echo staged > c; git add c; echo 2 > a", "amid");
    let group = 0;
    const alone = openShellGit({ home, is_alone: true, onCommand: (id) => (group = id) });
    const request = { message: "killed", files: ["a"], author: null, email: null, run_hooks: true };
    const killed = failureOf(alone.git.commit("amid", request, signal));
    await expect.poll(() => run("ls amid-hook 2>/dev/null")).not.toBe("");
    process.kill(-group, "SIGKILL");
    expect(await killed).toMatch(/did not come to an end/);
    expect(await run("ls .git", "amid")).toContain("taskloom-");
    expect(await run("find .git -name '*.lock'", "amid")).toContain("main.lock");
    expect(await alone.git.commit("amid", { ...request, files: null, run_hooks: false }, signal)).not.toBeNull();
    expect(
      await run("find .git -name '*.lock' -o -name 'taskloom*'; git show HEAD:c; git fsck --no-dangling", "amid"),
    ).toBe("staged\n");
  });

  it.each([
    ["one older than the note", "here 999999 1", "2000-01-01"],
    ["one beside a note of another sandbox", "elsewhere 999999 1", "now"],
    ["one without a note", "", "now"],
  ])("stays where it is %s, and the error names it", async (name, words, made) => {
    const path = name.replaceAll(" ", "-");
    await leave(path, words, made);
    expect(await failureOf(commitAlone(path))).toMatch(/^failed: .*has locked it.*index\.lock/);
    expect(await run("ls .git/index.lock", path)).toContain("index.lock");
  });

  it("stays while a git runs, which may be its owner", async () => {
    await leave("busy", "here 999999 1", "now");
    const other = spawn("git", ["cat-file", "--batch"], {
      cwd: join(home, "busy"),
      stdio: ["pipe", "ignore", "ignore"],
    });
    await once(other, "spawn");
    expect(await failureOf(commit("busy", "x"))).toMatch(/has locked it/);
    expect(await run("ls .git", "busy")).toContain("taskloom-1.run");
    other.kill();
    await once(other, "exit");
    expect(await commitAlone("busy")).not.toBeNull();
  });
});
