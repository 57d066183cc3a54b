// An agent whose commands need a person's approval is asked about what would make programs run by where it is: links,
// folders that move, and what settings of git and PATH name.
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentConfig } from "../../src/protocol/agents/agent.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { type GatedStage, PWNED, startGatedStage } from "./gated-agent.ts";

let stage: GatedStage;
const shell = (command: string) => stage.shell(command);
const makeRepository = (name: string, more?: string) => stage.makeRepository(name, more);
const runCalls: GatedStage["runCalls"] = (...given) => stage.runCalls(...given);
const hasRun = () => stage.hasRun();

beforeAll(async () => {
  stage = await startGatedStage();
});
afterAll(() => stage.close());

describe("an agent whose commands all need approval", () => {
  it("is asked about a file that a link leads to, and sees where", async () => {
    const repository = await stage.host.addRepository("linked", { files: { a: "1" } });
    await shell("rm -rf $HOME/pwned linked pushed");
    // A repository may bring any link: here into its own .git, through two folders, and to a file that is not there.
    await shell(
      `git clone -q ${repository.url} pushed && cd pushed && ln -s .git docs && mkdir d && ln -s ../docs d/e && ln -s .git/hooks/post-commit later && git add -A && git -c user.name=a -c user.email=a@b.c commit -qm links && git push -q origin HEAD`,
    );
    for (const path of ["linked/docs/config", "linked/d/e/config", "linked/later"]) {
      await shell("rm -rf linked");
      const { outcome, results } = await runCalls([
        ["git_clone", { url: repository.url, path: "linked" }],
        ["create_file", { path, content: `[core]\n\tfsmonitor = "${PWNED}"\n` }],
      ]);
      expect(results.map(({ is_error }) => is_error)).toEqual([false]);
      expect(outcome, path).toMatchObject({
        interrupts: [{ message: expect.stringMatching(/leads to \S+\/linked\/\.git\/(config|hooks\/post-commit)\)/) }],
      });
    }
    expect(await shell("cat linked/.git/config")).not.toContain("fsmonitor");
  });

  it("is asked about files that this repository's settings make git run or read", async () => {
    await makeRepository(
      "own",
      "git config core.hooksPath tools/checks && git config include.path ../shared.ini && mkdir -p tools/checks && git init -q --separate-git-dir=$PWD/../own-meta && mkdir src",
    );
    const asked = async (path: string) => (await runCalls([["create_file", { path, content: "x" }]])).outcome.status;
    expect(await asked("own/tools/checks/helper.sh")).toBe("interrupted");
    expect(await asked("own-meta/config")).toBe("interrupted");
    expect(await asked("own-meta/info/grafts")).toBe("interrupted");
    await shell("cd own && printf '[include]\\n\\tpath = ../own/shared.ini\\n' >> ../own-meta/config");
    expect(await asked("own/shared.ini")).toBe("interrupted");
    await shell("echo > own/shared.ini");
    expect(await asked("own/shared.ini")).toBe("interrupted");
    await shell(
      "git config --global init.templateDir $HOME/starter && git config --global core.attributesFile $HOME/att",
    );
    expect(await asked("starter/hooks/x")).toBe("interrupted");
    expect(await asked("att")).toBe("interrupted");
    await shell("rm ~/.gitconfig");
    expect(await asked("own/src/a.ts")).toBe("completed");
  });

  it("is asked about files outside of the repository whose settings name them", async () => {
    await makeRepository("far", "git config include.path ../../far.ini && git config core.hooksPath ../far-checks");
    await shell("printf '[user]\\n\\tname = x\\n' > far.ini; mkdir -p far-checks far-other");
    const asked = async (path: string) => (await runCalls([["create_file", { path, content: "x" }]])).outcome.status;
    expect([await asked("far.ini"), await asked("far-checks/x")]).toEqual(["interrupted", "interrupted"]);
    expect(await asked("far-other/x")).toBe("completed");
    await shell("rm -r far far.ini far-checks");
  });

  it("is asked before a folder moves that is, brings or holds such files", async () => {
    await makeRepository(
      "tree",
      "git config core.hooksPath tools/checks && git config include.path ../inc/shared.ini && mkdir -p tools/checks inc gh plain && echo > tools/checks/helper && echo > inc/shared.ini && echo > gh/a && echo > plain/a && echo > venv",
    );
    const asked = async (from: string, to: string) =>
      (await runCalls([["move_file", { from: `tree/${from}`, to: `tree/${to}` }]])).outcome.status;
    expect(await asked("gh", ".github")).toBe("interrupted");
    expect(await asked("gh", "lib/site-packages")).toBe("interrupted");
    expect(await asked("tools", "tools.old")).toBe("interrupted");
    expect(await asked("inc", "inc.old")).toBe("interrupted");
    expect(await asked("plain", "plainer")).toBe("completed");
    await shell("rm -r tree/tools");
    expect(await asked("plainer", "tools")).toBe("interrupted");
    const whole = await runCalls([["move_file", { from: "tree", to: "tree2" }]]);
    expect(whole.outcome.status).toBe("completed");
  });

  it("is asked before a folder becomes a repository whose settings are in another", async () => {
    const settings = `[core]\n\trepositoryformatversion = 1\n\tfsmonitor = "${PWNED}"\n[extensions]\n\tworktreeConfig = true\n`;
    await shell("rm -rf odd $HOME/pwned");
    const { outcome } = await runCalls([
      ["create_file", { path: "odd/y/objects/a", content: "" }],
      ["create_file", { path: "odd/y/refs/a", content: "" }],
      ["create_file", { path: "odd/y/config", content: settings }],
      ["create_file", { path: "odd/x/HEAD", content: "ref: refs/heads/main\n" }],
      ["create_file", { path: "odd/x/config.worktree", content: "[core]\n\tbare = false\n\tworktree = w\n" }],
      ["create_file", { path: "odd/x/w/f", content: "1" }],
      ["create_file", { path: "odd/x/commondir", content: "../y\n" }],
    ]);
    expect(outcome).toMatchObject({ interrupts: [{ message: expect.stringContaining("odd/x/commondir") }] });
    await shell("cd odd/x && git status");
    expect(await hasRun()).toBe(false);
  });

  it("is asked about files to which links of a home and of hooks lead", async () => {
    await makeRepository(
      "scripted",
      "mkdir checks && echo > checks/fast && ln -s ../../checks/fast .git/hooks/pre-commit",
    );
    await shell(
      "mkdir -p dots/config && echo > dots/rc && ln -s dots/rc .bashrc && ln -s dots/config .config; ln -s dots .dots",
    );
    const asked = async (name: string, input: object) => (await runCalls([[name, input]])).outcome;
    const write = (path: string) => asked("create_file", { path, content: "x" });
    try {
      for (const [path, link] of [
        ["dots/rc", ".bashrc"],
        ["dots/config/git/config", ".config/git/config"],
        ["scripted/checks/fast", "scripted/.git/hooks/pre-commit"],
      ] as const)
        expect(await write(path), path).toMatchObject({
          interrupts: [{ message: expect.stringContaining(`/${link})`) }],
        });
      expect((await asked("move_file", { from: "dots", to: "dots2" })).status).toBe("interrupted");
      expect((await write("dots/other")).status).toBe("completed");
      expect((await write("scripted/checks/slow")).status).toBe("completed");
    } finally {
      await shell("rm -rf .bashrc .config .dots dots scripted");
    }
  });

  it("is asked about a folder of programs that PATH names by a link", async () => {
    const folder = await mkdtemp(join(tmpdir(), "taskloom-path-"));
    await mkdir(join(folder, "v1"));
    await symlink("v1", join(folder, "current"));
    await symlink("v2", join(folder, "next"));
    const env = { PATH: `${join(folder, "current")}:${join(folder, "next")}:${process.env.PATH}` };
    const sandbox = createDaytonaSandbox({ ...stage.settingsOf("linked-path"), recipe: { env } });
    try {
      for (const path of [join(folder, "v1/git"), join(folder, "current/git"), join(folder, "v2/git")]) {
        const { outcome } = await runCalls([["create_file", { path, content: "x" }]], undefined, sandbox);
        expect(outcome, path).toMatchObject({
          interrupts: [{ message: expect.stringContaining("programs are looked up in its folder") }],
        });
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("is asked before it writes into a pipe, from which an approved command may read its commands", async () => {
    await shell("mkfifo line; (timeout 20 sh < line) > /dev/null 2>&1 &");
    const { outcome } = await runCalls([["create_file", { path: "line", content: `${PWNED}\n` }]]);
    expect(outcome).toMatchObject({
      interrupts: [{ message: expect.stringContaining("running program may read it") }],
    });
    expect(await hasRun()).toBe(false);
  });

  it("is asked before a folder becomes a repository, whichever of its files comes last", async () => {
    const parts = { HEAD: "ref: refs/heads/main", "objects/a": "", "refs/a": "", config: "" };
    for (const last of Object.keys(parts)) {
      await shell("rm -rf bare");
      const others = Object.entries(parts).filter(([name]) => name !== last);
      const calls = [...others, [last, ""]].map(([name, content]): [string, object] => [
        "create_file",
        { path: `bare/${name}`, content },
      ]);
      const { outcome, results } = await runCalls(calls);
      // The settings come last: the folder was a repository before.
      expect([outcome.status, results.length], last).toEqual(["interrupted", last === "config" ? 2 : 3]);
    }
  });

  it("is asked before files come into the home folder or a folder of settings with a clone or a move", async () => {
    const repository = await stage.host.addRepository("x/bin", { files: { "git/config": "[core]\n" } });
    const asked = async (name: string, input: object) => (await runCalls([[name, input]])).outcome;
    for (const path of [".", "~", "~/.config", "./a/../.config/"])
      expect((await asked("git_clone", { url: repository.url, path })).status, path).toBe("interrupted");
    expect((await asked("git_clone", { url: repository.url })).status).toBe("interrupted");
    await shell("mkdir -p plain/git && echo > plain/git/config");
    expect((await asked("move_file", { from: "plain", to: ".config" })).status).toBe("interrupted");
    expect((await asked("move_file", { from: "plain", to: "plainer" })).status).toBe("completed");
  });

  it("is asked about files to which links lead that are deeper, or whose targets are not there yet", async () => {
    await makeRepository(
      "deep",
      "ln -s tools/gone .husky && mkdir .vscode conf && echo > conf/tasks && ln -s ../conf/tasks .vscode/tasks.json && ln -s ../../checks/../gone/check .git/hooks/pre-commit",
    );
    await shell(
      "mkdir -p dots .ssh .config/fish && echo > dots/ssh && echo > dots/fish && ln -s ../dots/ssh .ssh/config && ln -s ../../dots/fish .config/fish/config.fish && ln -s absent/rc .bashrc",
    );
    const write = async (path: string) => (await runCalls([["create_file", { path, content: "x" }]])).outcome;
    try {
      for (const [path, link] of [
        ["absent/rc", ".bashrc"],
        ["deep/tools/gone/x", "deep/.husky/x"],
        ["deep/gone/check", "deep/.git/hooks/pre-commit"],
        ["deep/conf/tasks", "deep/.vscode/tasks.json"],
        ["dots/ssh", ".ssh/config"],
        ["dots/fish", ".config/fish/config.fish"],
      ] as const)
        expect(await write(path), path).toMatchObject({
          interrupts: [{ message: expect.stringContaining(`/${link})`) }],
        });
      for (const path of ["absent/other", "deep/tools/x", "dots/other"])
        expect((await write(path)).status, path).toBe("completed");
    } finally {
      await shell("rm -rf .bashrc .ssh .config dots deep absent");
    }
  });

  it("is asked before a folder comes where settings look for hooks, and about settings that are not there yet", async () => {
    await makeRepository(
      "early",
      "git config core.hooksPath ../early-hooks && git config include.path ../../early.ini",
    );
    await makeRepository(
      "own-hooks",
      "git config core.hooksPath hk && mkdir hk checks && echo > checks/fast && ln -s ../checks/fast hk/pre-commit",
    );
    await makeRepository(
      "apart",
      "mkdir checks && echo > checks/slow && git init -q --separate-git-dir=../apart-meta && ln -s $PWD/checks/slow ../apart-meta/hooks/pre-push",
    );
    await makeRepository("linked-hooks", "git config core.hooksPath hk && ln -s ../hk-gone hk");
    await shell(
      "cd early && git config --add include.path '../my own.ini'; mkdir -p ../pay && echo > ../pay/pre-commit",
    );
    const asked = async (name: string, input: object) => (await runCalls([[name, input]])).outcome.status;
    for (const to of ["early-hooks", "hk-gone"])
      expect(await asked("move_file", { from: "pay", to }), to).toBe("interrupted");
    for (const path of ["early.ini", "early/my own.ini", "own-hooks/checks/fast", "apart/checks/slow"])
      expect(await asked("create_file", { path, content: "x" }), path).toBe("interrupted");
    expect(await asked("create_file", { path: "early/src/own.ts", content: "x" })).toBe("completed");
    expect(await asked("move_file", { from: "pay", to: "paid" })).toBe("completed");
    await shell("rm -rf early linked-hooks own-hooks apart apart-meta paid");
  });

  it("is asked about what variables name: a script for shells, and folders of PATH without a root", async () => {
    const env = {
      ENV: "shop",
      BASH_ENV: "env.sh",
      XDG_CONFIG_HOME: "settings",
      PATH: `./node_modules/.bin:${process.env.PATH}`,
    };
    const sandbox = createDaytonaSandbox({ ...stage.settingsOf("variables"), recipe: { env } });
    const asked = async (path: string) =>
      (await runCalls([["create_file", { path, content: "x" }]], undefined, sandbox)).outcome.status;
    expect(await asked("env.sh")).toBe("interrupted");
    expect(await asked("settings/git/config")).toBe("interrupted");
    expect(await asked("shop/node_modules/.bin/git")).toBe("interrupted");
    expect(await asked("shop/env.sh")).toBe("completed");
  });

  it("is asked about a link that leads elsewhere for each program", async () => {
    await shell(
      "ln -s /proc/self/cwd here && ln -s /proc/self/cwd/note there && ln -s $HOME/plain steady && mkdir -p plain",
    );
    const asked = async (path: string) => (await runCalls([["create_file", { path, content: "x" }]])).outcome.status;
    expect([await asked("here/etc/profile.d/x.sh"), await asked("there")]).toEqual(["interrupted", "interrupted"]);
    expect(await asked("steady/x")).toBe("completed");
    await shell("rm here there steady");
  });

  it("sees where a path leads also if each such call asks anyway", async () => {
    await makeRepository("both", "ln -s .git docs");
    const agent = agentConfig.parse({ approvals: { execute_command: ["*"], create_file: ["*"] } });
    const message = async (path: string) => {
      const { outcome } = await runCalls([["create_file", { path, content: "x" }]], agent);
      return outcome.status === "interrupted" ? outcome.interrupts[0]?.message : outcome.status;
    };
    expect(await message("both/docs/config")).toMatch(/leads to \S+\/both\/\.git\/config\)/);
    expect(await message("both/a")).toBe("create_file: both/a");
  });
});
