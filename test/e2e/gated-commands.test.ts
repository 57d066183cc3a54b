// An agent whose commands need a person's approval, over TCP and with real git: what makes programs run without a
// command is asked about, and git runs nothing that files name.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentConfig } from "../../src/protocol/agents/agent.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { apiKey, startFixture } from "./daytona-fixture.ts";
import { type GatedStage, PWNED, signal, startGatedStage } from "./gated-agent.ts";

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
      interrupts: [
        {
          reason: "approval",
          message: expect.stringMatching(/^create_file: shop\/\.git\/config\n.*begins with a dot/),
        },
      ],
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

  it("has git that runs no hook and no filter, and learns which filter a file needs", async () => {
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

  it("clones with no filter of a template", async () => {
    const repository = await stage.host.addRepository("plain", { files: { a: "1" } });
    await shell(
      `rm -rf starter plain $HOME/pwned; mkdir -p starter/info && git config -f starter/config filter.x.smudge '${PWNED} cat' && echo '* filter=x' > starter/info/attributes && git config --global init.templateDir $PWD/starter`,
    );
    const { results } = await runCalls([["git_clone", { url: repository.url }]]);
    await shell("rm -rf ~/.gitconfig starter plain");
    expect(await hasRun()).toBe(false);
    expect(results[0]?.is_error).toBe(false);
  });

  it("asks no helper for a password", async () => {
    const credentials = { username: "u", password: "p" };
    const repository = await stage.host.addRepository("private", { credentials });
    await shell(`rm -rf private $HOME/pwned; git config --global credential.helper '!${PWNED}'`);
    const plain = await runCalls([["git_clone", { url: repository.url }]]);
    expect(plain.results[0]?.content).toContain("no credential is stored");
    // Settings that hold for the new repository alone.
    await shell("mv ~/.gitconfig ~/some; git config --global includeIf.gitdir:~/**.path some");
    const included = await runCalls([["git_clone", { url: repository.url }]]);
    await shell("rm ~/.gitconfig ~/some");
    expect(await hasRun()).toBe(false);
    expect(included.results[0]?.content).toContain("no credential is stored");
  });

  it("pushes and pulls over http whatever settings name, and to no remote that would run a program", async () => {
    const repository = await stage.host.addRepository("remote", { files: { a: "1" } });
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
    const ways = ["git_pull", "git_push"] as const;
    const settings: [set: string, refused: readonly string[]][] = [
      ["filter.lfs.clean 'git-lfs clean -- %f'", []],
      [`core.fsmonitor '${PWNED}'`, []],
      [`filter.x.smudge '${PWNED}'`, []],
      [`merge.x.driver '${PWNED}'`, []],
      ["commit.gpgSign true", []],
      ["url.ext::sh.insteadOf http", ways],
      ["url.ssh://x/.insteadOf ''", ways],
      ["remote.origin.pushurl true", ["git_push"]],
      [`remote.origin.url 'ext::sh -c "${PWNED}"'`, ways],
      ["remote.origin.url /tmp/other", ways],
    ];
    for (const [set, refused] of settings) {
      await shell(`cd remote && cp .git/config ../saved && git config ${set}`);
      for (const name of ways) {
        const { results } = await runCalls([[name, { path: "remote" }]]);
        expect(results[0]?.is_error, `${name}: ${set}: ${results[0]?.content}`).toBe(refused.includes(name));
      }
      await shell("cd remote && cp ../saved .git/config");
    }
    expect(await hasRun()).toBe(false);
  });

  it("writes the files of an ordinary project unasked, and is asked about each name with a dot", async () => {
    const files = [
      ...["package.json", "package-lock.json", "README.md", "LICENSE", "Dockerfile", "docker-compose.yml", "Makefile"],
      ...["eslint.config.js", "tsconfig.json", "vite.config.ts", "index.html", "public/robots.txt", "src/main.tsx"],
      ...["src/hooks/useCart.ts", "src/lib/git.ts", "src/bin/cli.ts", "test/app.test.ts", "scripts/seed.sh"],
      ...["migrations/0001_init.sql", "docs/README.md", "pyproject.toml", "app/__init__.py", "go.mod", "AGENTS.md"],
    ];
    await makeRepository("web");
    const calls = files.map((name): [string, object] => ["create_file", { path: `web/${name}`, content: "x" }]);
    const { outcome, results } = await runCalls(calls);
    expect([outcome.status, results.filter(({ is_error }) => !is_error).length]).toEqual(["completed", files.length]);
    for (const path of [
      ".gitignore",
      "web/.env",
      "web/.github/workflows/a.yml",
      "web/.vscode/tasks.json",
      "~/.bashrc",
    ]) {
      const asked = await runCalls([["create_file", { path, content: "x" }]]);
      expect(asked.outcome.status, path).toBe("interrupted");
    }
  });

  it("is asked about a file that a link of a repository leads to", async () => {
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
      expect(outcome, path).toMatchObject({ interrupts: [{ message: expect.stringContaining("through a link") }] });
    }
    expect(await shell("cat linked/.git/config")).not.toContain("fsmonitor");
  });

  it("has git that runs nothing of plain folders and files that settings name", async () => {
    await makeRepository(
      "named",
      "git config core.hooksPath tools/checks && git config include.path ../../shared.ini && mkdir -p tools/checks && printf '#!/bin/sh\\n' > tools/checks/pre-commit && chmod +x tools/checks/pre-commit",
    );
    const settings = `[core]\n\tfsmonitor = "${PWNED}"\n[filter "x"]\n\tclean = "${PWNED} cat"\n`;
    const { outcome, results } = await runCalls([
      ["create_file", { path: "shared.ini", content: settings }],
      ["create_file", { path: "named/b", content: "1" }],
      ["git_status", { path: "named" }],
      ["git_commit", { path: "named", message: "two", files: ["b"] }],
      ["create_file", { path: "named/tools/checks/pre-commit", content: `#!/bin/sh\n${PWNED}\n` }],
    ]);
    expect(results.filter(({ is_error }) => is_error)).toEqual([]);
    expect(outcome).toMatchObject({ interrupts: [{ message: expect.stringContaining("an executable file") }] });
    expect(await hasRun()).toBe(false);
    await shell("rm -rf shared.ini named");
  });

  it("is asked before a folder becomes a repository, and has git that reads none that is not called .git", async () => {
    const { outcome, results } = await runCalls([
      ["create_file", { path: "bare/config", content: `[core]\n\tfsmonitor = "${PWNED}"\n\tworktree = .\n` }],
      ["create_file", { path: "bare/objects/a", content: "" }],
      ["create_file", { path: "bare/refs/a", content: "" }],
      ["create_file", { path: "bare/HEAD", content: "ref: refs/heads/main\n" }],
    ]);
    expect(results.filter(({ is_error }) => is_error)).toEqual([]);
    expect(outcome).toMatchObject({ interrupts: [{ message: expect.stringContaining("bare/HEAD") }] });
    // As a clone may bring one.
    await makeRepository("around", "cp -r ../bare sub && echo ref: refs/heads/main > sub/HEAD");
    await shell("echo ref: refs/heads/main > bare/HEAD");
    const [bare] = (await runCalls([["git_status", { path: "bare" }]])).results;
    expect(bare).toMatchObject({ is_error: true, content: expect.stringContaining("no git repository") });
    await runCalls([["git_status", { path: "around/sub" }]]);
    await runCalls([["git_commit", { path: "around/sub", message: "two" }]]);
    expect(await hasRun()).toBe(false);
    expect(await shell("git -C bare config core.fsmonitor")).toContain("touch");
    await shell("rm -rf bare around $HOME/pwned");
  });

  it("is asked before a clone or a move brings files to the work dir itself, a hidden name, or over what is special", async () => {
    const repository = await stage.host.addRepository("x/tools", { files: { "git/config": "[core]\n" } });
    const asked = async (name: string, input: object) => (await runCalls([[name, input]])).outcome.status;
    for (const path of [".", "~", "~/.config", "./a/../.config/", "bin", "/tmp/tools"])
      expect(await asked("git_clone", { url: repository.url, path }), path).toBe("interrupted");
    expect(await asked("git_clone", { url: repository.url })).toBe("completed");
    await shell("mkdir -p plain/git run && echo > plain/git/config && echo > run/x && chmod +x run/x && mkfifo line");
    expect(await asked("move_file", { from: "plain", to: ".config" })).toBe("interrupted");
    expect(await asked("move_file", { from: "tools", to: "tools2" })).toBe("interrupted");
    expect(await asked("move_file", { from: "run", to: "ran" })).toBe("interrupted");
    expect(await asked("create_file", { path: "line", content: `${PWNED}\n` })).toBe("interrupted");
    expect(await asked("delete_file", { path: "run/x" })).toBe("interrupted");
    expect(await asked("move_file", { from: "plain", to: "plainer" })).toBe("completed");
    await shell("rm -rf tools plainer run line");
  });

  it("never makes a file executable", async () => {
    const { outcome } = await runCalls([
      ["create_file", { path: "new", content: "#!/bin/sh\n" }],
      ["edit_file", { path: "new", old_string: "sh", new_string: "bash" }],
      ["move_file", { from: "new", to: "newer" }],
      ["create_file", { path: "newer", content: "#!/bin/sh\n" }],
    ]);
    expect(outcome.status).toBe("completed");
    expect(await shell("stat -c %A newer; rm newer")).toBe("-rw-r--r--\n");
  });

  it("sees where a path leads also if each such call asks anyway", async () => {
    await makeRepository("both", "ln -s .git docs");
    const agent = agentConfig.parse({ approvals: { execute_command: ["*"], create_file: ["*"] } });
    const message = async (path: string) => {
      const { outcome } = await runCalls([["create_file", { path, content: "x" }]], agent);
      return outcome.status === "interrupted" ? outcome.interrupts[0]?.message : outcome.status;
    };
    expect(await message("both/docs/config")).toContain("through a link");
    expect(await message("both/a")).toBe("create_file: both/a");
  });
});

it("an agent in a sandbox that takes files and no commands is asked, since nobody can say where a path leads", async () => {
  const strict = await startFixture({ apiKey, isolation: "none", realModel: true });
  const settings = { ...stage.settingsOf("strict"), api_url: strict.server.apiUrl };
  try {
    const call: [string, object] = ["create_file", { path: "a", content: "1" }];
    const { outcome } = await runCalls([call], undefined, createDaytonaSandbox(settings));
    expect(outcome).toMatchObject({
      interrupts: [{ message: expect.stringContaining("does not say where it leads") }],
    });
  } finally {
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
    const env = { PATH: `${folder}:${process.env.PATH}` };
    const other = createDaytonaSandbox({ ...stage.settingsOf("facts"), recipe: { env } });
    await other.listFiles("", 1, signal);
    expect((await other.readFacts?.(signal))?.programs).toContainEqual({ name: "go", version: "1.2.3" });
    await rm(folder, { recursive: true, force: true });
  });
});

describe("other agents", () => {
  const status = async (agent: object, name: string, input: object) =>
    (await runCalls([[name, input]], agentConfig.parse(agent))).outcome.status;

  it("work with hooks where they ask for them, and with settings", async () => {
    await makeRepository(
      "free",
      `printf '#!/bin/sh\\n${PWNED}' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit`,
    );
    const calls: [string, object][] = [
      ["create_file", { path: "free/.github/workflows/ci.yml", content: "run: x" }],
      ["git_commit", { path: "free", message: "two", run_hooks: true }],
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

  it("without commands are asked in the same way, and git runs nothing for them", async () => {
    await makeRepository("none", `git config core.fsmonitor '${PWNED}'`);
    const agent = { tools: ["create_file", "git_status"] };
    expect(await status(agent, "create_file", { path: "none/.git/hooks/pre-commit", content: "x" })).toBe(
      "interrupted",
    );
    expect(await status(agent, "create_file", { path: "none/src/a.ts", content: "x" })).toBe("completed");
    expect(await status(agent, "git_status", { path: "none" })).toBe("completed");
    expect(await hasRun()).toBe(false);
  });
});
