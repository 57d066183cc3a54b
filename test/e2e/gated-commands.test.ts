// An agent whose commands need a person's approval, over TCP and with real git: what makes programs run without a
// command is asked about, and git runs nothing that files name.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LoopOutcome } from "../../src/agent/events.ts";
import type { Sandbox } from "../../src/agent/sandbox.ts";
import { agentConfig } from "../../src/protocol/agents/agent.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { fileTools } from "../../src/tools/files.ts";
import { gitTools } from "../../src/tools/git.ts";
import { shellTools } from "../../src/tools/shell.ts";
import { callsTools, ScriptedRun, says } from "../fakes/scripted-run.ts";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";
import { type GitServer, startGitServer } from "./git-server.ts";

const { signal } = new AbortController();
const gated = agentConfig.parse({ approvals: { execute_command: ["*"] } });
/** What a program leaves that should not have run. */
const PWNED = "touch $HOME/pwned;";

let fixture: Fixture;
let host: GitServer;
let sandbox: Sandbox;
let count = 0;

beforeAll(async () => {
  [fixture, host] = await Promise.all([startFixture({ apiKey, isolation: "none" }), startGitServer()]);
  sandbox = createDaytonaSandbox({
    ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name: "gated", labels: {} },
    git: { access: { findLogin: async () => null }, source: null },
  });
});

afterAll(async () => {
  await fixture.dispose();
  await host.close();
});

/** As a person in a terminal. */
async function shell(command: string): Promise<string> {
  const request = { command_id: `call_${++count}`, command, wait_ms: 20_000 };
  return (await sandbox.runCommand(request, () => {}, signal)).output;
}

async function makeRepository(name: string, more = "true"): Promise<void> {
  const said = await shell(
    `rm -rf $HOME/pwned ${name} && git init -q -b main ${name} && cd ${name} && git config user.name a && git config user.email a@b.c && echo 1 > a && git add . && git commit -qm one && ${more} && echo made`,
  );
  expect(said).toMatch(/made\n$/);
}

const hasRun = async () => (await shell("ls $HOME")).split("\n").includes("pwned");

interface Called {
  outcome: LoopOutcome;
  results: { content: string; is_error: boolean }[];
}

/** One step of a model that makes these calls, one message each. */
async function runCalls(calls: [name: string, input: object][], agent = gated): Promise<Called> {
  const turns = calls.map(([name, input]) => callsTools({ name, arguments: JSON.stringify(input) }));
  const run = new ScriptedRun([...turns, says("done")], [...shellTools, ...fileTools, ...gitTools]);
  run.realSandbox = sandbox;
  const outcome = await run.run({ agent });
  expect(run.bugs).toEqual([]);
  return { outcome, results: [...run.results.values()] };
}

describe("an agent whose commands all need approval", () => {
  it("is asked before it writes settings with which git_status would run a program", async () => {
    await makeRepository("shop");
    const before = await shell("cat shop/.git/config");
    const content = `${before}[core]\n\tfsmonitor = "${PWNED}"\n`;
    const { outcome } = await runCalls([
      ["create_file", { path: "shop/.git/config", content }],
      ["git_status", { path: "shop" }],
    ]);
    expect(await hasRun()).toBe(false);
    expect(outcome).toMatchObject({
      status: "interrupted",
      interrupts: [{ reason: "approval", message: expect.stringMatching(/^create_file: shop\/\.git\/config\n.*git/) }],
    });
    expect(await shell("cat shop/.git/config")).toBe(before);
  });

  it("has git that runs nothing which settings name", async () => {
    await makeRepository("set", `git config core.fsmonitor '${PWNED}'`);
    const { results } = await runCalls([
      ["git_status", { path: "set" }],
      ["create_file", { path: "set/b", content: "2" }],
      ["git_commit", { path: "set", message: "two\n\nlines" }],
      ["git_branch", { path: "set", name: "dev", create: true }],
      ["git_branch", { path: "set", name: "main" }],
      ["git_branch", { path: "set", name: "dev", delete: true }],
      ["git_branch", { path: "set" }],
    ]);
    expect(await hasRun()).toBe(false);
    expect(results.filter(({ is_error }) => is_error)).toEqual([]);
    expect(results.at(-1)?.content).toContain("* main");
    expect(await shell("cd set && git -c core.fsmonitor=false log -1 --format='%an %B'")).toContain("a two\n\nlines");
  });

  it("is asked about a file that a link leads to, and is told where", async () => {
    const repository = await host.addRepository("linked", { files: { a: "1" } });
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

  it("is asked about a folder of programs that PATH names by a link", async () => {
    const folder = await mkdtemp(join(tmpdir(), "taskloom-path-"));
    await mkdir(join(folder, "v1"));
    await symlink("v1", join(folder, "current"));
    const settings = { api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, labels: {} };
    const env = { PATH: `${join(folder, "current")}:${process.env.PATH}` };
    const before = sandbox;
    try {
      sandbox = createDaytonaSandbox({ ...settings, name: "linked-path", recipe: { env } });
      for (const path of [join(folder, "v1/git"), join(folder, "current/git")]) {
        const { outcome } = await runCalls([["create_file", { path, content: "x" }]]);
        expect(outcome, path).toMatchObject({
          interrupts: [{ message: expect.stringContaining("programs are looked up in its folder") }],
        });
      }
    } finally {
      sandbox = before;
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
    const repository = await host.addRepository("x/bin", { files: { "git/config": "[core]\n" } });
    const asked = async (name: string, input: object) => (await runCalls([[name, input]])).outcome;
    for (const path of [".", "~", "~/.config", "./a/../.config/"])
      expect((await asked("git_clone", { url: repository.url, path })).status, path).toBe("interrupted");
    expect((await asked("git_clone", { url: repository.url })).status).toBe("interrupted");
    await shell("mkdir -p plain/git && echo > plain/git/config");
    expect((await asked("move_file", { from: "plain", to: ".config" })).status).toBe("interrupted");
    expect((await asked("move_file", { from: "plain", to: "plainer" })).status).toBe("completed");
  });

  it("has git that runs no hook and no filter, and is told which filter a file needs", async () => {
    const hooks = ["pre-commit", "commit-msg", "post-commit", "post-checkout", "post-index-change"];
    const hook = `printf '#!/bin/sh\\n${PWNED}' > .git/hooks/$h; chmod +x .git/hooks/$h`;
    await makeRepository("hooked", `for h in ${hooks.join(" ")}; do ${hook}; done`);
    const { results } = await runCalls([
      ["create_file", { path: "hooked/b c", content: "2" }],
      ["git_commit", { path: "hooked", message: "two", files: ["b c"] }],
      ["git_branch", { path: "hooked", name: "dev", create: true }],
    ]);
    expect(results.filter(({ is_error }) => is_error)).toEqual([]);
    expect(results[1]?.content).toContain("Hooks did not run (pre-commit, commit-msg, post-commit)");
    expect(await hasRun()).toBe(false);
    await shell(
      `cd hooked && git config 'filter.odd name.clean' '${PWNED} cat' && git config filter.other.process '${PWNED}' && echo '*.bin filter="odd name"' > .git/info/attributes && echo '*.bin filter=other' > .git/info/attributes && echo 3 > x.bin`,
    );
    const added = await runCalls([["git_commit", { path: "hooked", message: "three" }]]);
    expect(added.results[0]?.content).toMatch(
      /The commit would run a program .* the filter `other`.*use git in a command/,
    );
    await shell("cd hooked && git config 'filter.a=b.clean' x");
    const odd = await runCalls([["git_status", { path: "hooked" }]]);
    expect(odd.results[0]).toMatchObject({ is_error: true, content: expect.stringContaining("equals sign") });
    expect(await hasRun()).toBe(false);
  });

  it("has git that runs no filter of a submodule", async () => {
    await makeRepository("inner");
    const [filter, attributes] = [`git config filter.f.clean '${PWNED} cat'`, "../.git/modules/sub/info/attributes"];
    await makeRepository(
      "outer",
      `git -c protocol.file.allow=always submodule add -q ../inner sub; git commit -qm sub && cd sub && ${filter} && echo '* filter=f' > ${attributes}`,
    );
    // As long as before, so that git has to read it.
    await shell("rm -f $HOME/pwned; cd outer && echo 2 > a && echo 2 > sub/a && touch -d yesterday sub/a");
    const { results } = await runCalls([["git_commit", { path: "outer", message: "two" }]]);
    expect(await hasRun()).toBe(false);
    expect(results[0]).toMatchObject({ is_error: true, content: expect.stringContaining("the filter `f`") });
    await shell("cd outer/sub && git config --unset filter.f.clean");
    const plain = await runCalls([["git_commit", { path: "outer", message: "two" }]]);
    expect(plain.results[0]?.is_error).toBe(false);
  });

  it("asks no helper for a password", async () => {
    const credentials = { username: "u", password: "p" };
    const repository = await host.addRepository("private", { credentials });
    await shell(`rm -rf private $HOME/pwned; git config --global credential.helper '!${PWNED}'`);
    const plain = await runCalls([["git_clone", { url: repository.url }]]);
    expect(plain.results[0]?.content).toContain("`credential.helper`");
    // Settings that hold for the new repository alone.
    await shell("mv ~/.gitconfig ~/some; git config --global includeIf.gitdir:~/**.path some");
    const included = await runCalls([["git_clone", { url: repository.url }]]);
    await shell("rm ~/.gitconfig ~/some");
    expect(await hasRun()).toBe(false);
    expect(included.results[0]?.content).toContain("`credential.helper`");
  });

  it("pushes and pulls over http as before, and refuses where settings or the remote would run a program", async () => {
    const repository = await host.addRepository("remote", { files: { a: "1" } });
    await shell("rm -rf remote $HOME/pwned");
    const clone = await runCalls([["git_clone", { url: repository.url }]]);
    expect(clone.results[0]?.is_error).toBe(false);
    await shell("cd remote && git config user.name a && git config user.email a@b.c");
    const work: [string, object][] = [
      ["create_file", { path: "remote/b", content: "2" }],
      ["git_commit", { message: "two", path: "remote" }],
      ["git_push", { path: "remote" }],
      ["git_pull", { path: "remote" }],
    ];
    const plain = await runCalls(work);
    expect(plain.results.filter(({ is_error }) => is_error)).toEqual([]);
    expect(await repository.read("main", "b")).toBe("2");
    await shell("cd remote && git config filter.lfs.clean 'git-lfs clean -- %f' && git config core.fsmonitor false");
    expect((await runCalls([["git_pull", { path: "remote" }]])).results[0]?.is_error).toBe(false);
    for (const set of [
      `core.fsmonitor '${PWNED}'`,
      `filter.x.smudge '${PWNED}'`,
      `merge.x.driver '${PWNED}'`,
      "url.ext::sh.insteadOf http",
      "commit.gpgSign true",
      `remote.origin.url 'ext::sh -c "${PWNED}"'`,
      "remote.origin.url /tmp/other",
    ]) {
      await shell(`cd remote && cp .git/config ../saved && git config ${set}`);
      for (const name of ["git_pull", "git_push"]) {
        const { results } = await runCalls([[name, { path: "remote" }]]);
        expect(results[0]?.is_error, `${name}: ${set}: ${results[0]?.content}`).toBe(true);
      }
      await shell("cd remote && cp ../saved .git/config");
    }
    expect(await hasRun()).toBe(false);
  });
});

it("an agent in a sandbox that takes files and no commands is asked, since nobody can say where a path leads", async () => {
  const strict = await startFixture({ apiKey, isolation: "none", realModel: true });
  const settings = { api_key: apiKey, api_url: strict.server.apiUrl, target: "local", snapshot: null, labels: {} };
  const before = sandbox;
  try {
    sandbox = createDaytonaSandbox({ ...settings, name: "strict" });
    const { outcome } = await runCalls([["create_file", { path: "a", content: "1" }]]);
    expect(outcome).toMatchObject({ interrupts: [{ message: expect.stringContaining("can't be told") }] });
  } finally {
    sandbox = before;
    await strict.dispose();
  }
});

describe("what the server itself runs in a sandbox", () => {
  it("takes no other program for Go than the one that is installed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "taskloom-go-"));
    // As Go does, which reads the version that it should be from its settings in the home folder.
    await writeFile(
      join(folder, "go"),
      '#!/bin/sh\n[ "$GOTOOLCHAIN" = local ] && echo go version go1.2.3 || echo go version go6.6.6\n',
      { mode: 0o755 },
    );
    const settings = { api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, labels: {} };
    const env = { PATH: `${folder}:${process.env.PATH}` };
    const other = createDaytonaSandbox({ ...settings, name: "facts", recipe: { env } });
    await other.listFiles("", 1, signal);
    expect((await other.readFacts?.(signal))?.programs).toContainEqual({ name: "go", version: "1.2.3" });
    await rm(folder, { recursive: true, force: true });
  });
});

describe("other agents", () => {
  const status = async (agent: object, name: string, input: object) =>
    (await runCalls([[name, input]], agentConfig.parse(agent))).outcome.status;

  it("work with hooks and settings as before", async () => {
    await makeRepository(
      "free",
      `printf '#!/bin/sh\\n${PWNED}' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit`,
    );
    const calls: [string, object][] = [
      ["create_file", { path: "free/.github/workflows/ci.yml", content: "run: x" }],
      ["git_commit", { path: "free", message: "two" }],
    ];
    const { outcome, results } = await runCalls(calls, agentConfig.parse({ approvals: { execute_command: ["rm *"] } }));
    expect([outcome.status, ...results.map(({ is_error }) => is_error)]).toEqual(["completed", false, false]);
    expect(await hasRun()).toBe(true);
  });

  it("are asked about a text that fits a pattern for commands, and about a move", async () => {
    await makeRepository("some");
    const agent = { approvals: { execute_command: ["git push*"] } };
    const path = "some/.github/workflows/ci.yml";
    expect(await status(agent, "create_file", { path, content: "jobs:\n  - run: npm test\n" })).toBe("completed");
    expect(await status(agent, "create_file", { path, content: "jobs:\n  - run: git push -f\n" })).toBe("interrupted");
    expect(await status(agent, "edit_file", { path, old_string: "npm", new_string: "git  push" })).toBe("interrupted");
    expect(await status(agent, "move_file", { from: "some/a", to: "some/.git/hooks/post-merge" })).toBe("interrupted");
    expect(await status(agent, "delete_file", { path })).toBe("completed");
  });

  it("without commands are asked about what would run in their sandbox, and git runs nothing for them", async () => {
    await makeRepository("none", `git config core.fsmonitor '${PWNED}'`);
    const agent = { tools: ["create_file", "git_status"] };
    expect(await status(agent, "create_file", { path: "none/.git/hooks/pre-commit", content: "x" })).toBe(
      "interrupted",
    );
    expect(await status(agent, "create_file", { path: "none/.github/workflows/a.yml", content: "x" })).toBe(
      "completed",
    );
    expect(await status(agent, "git_status", { path: "none" })).toBe("completed");
    expect(await hasRun()).toBe(false);
  });
});
