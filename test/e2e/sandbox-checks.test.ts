// Checks on the Daytona-compatible server: what their place withstands, and the runner on it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CheckPlace } from "../../src/agent/checks/place.ts";
import type { CheckInput } from "../../src/protocol/plan/check.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { createDaytonaWorkspace } from "../../src/sandboxes/daytona/workspace.ts";
import type { GivenSecret } from "../../src/sandboxes/provider.ts";
import { labels } from "../contract/sandbox-port/fixture.ts";
import { describeSandboxChecks } from "../contract/sandbox-port/suite.ts";
import { runChecks } from "./check-runner.ts";
import { type Adapter, startAdapter, untilEnd } from "./daytona-adapter.ts";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";
import { type GitServer, startGitServer } from "./git-server.ts";

describeSandboxChecks("Daytona in Node", async () => {
  const { server, client, dispose } = await startFixture({ apiKey });
  return {
    open: (name) => {
      const settings = { api_key: apiKey, api_url: server.apiUrl, target: "local", snapshot: null, name, labels };
      return { sandbox: createDaytonaSandbox(settings), workspace: createDaytonaWorkspace(settings), states: [] };
    },
    stop: async (name) => (await client.get(name)).stop(),
    remove: async (name) => (await client.get(name)).delete(60, true),
    visit: null,
    own_port: 2280,
    close: dispose,
  };
});

let count = 0;

describe("the runner, in a sandbox", () => {
  let adapter: Adapter;
  beforeAll(async () => {
    adapter = await startAdapter();
    await adapter.shell(
      "git init -q . && echo out/ > .gitignore && echo 1 > code.js && git add . && git -c user.name=a -c user.email=b commit -qm one",
    );
  });
  afterAll(() => adapter.fixture.dispose());

  it("passes what was seen, and names what a check changed", async () => {
    const receipts = await runChecks(adapter.sandbox.checks, [
      { type: "command", run: "mkdir -p out && date > out/log && echo 3 passed", contains: "3 passed" },
      { type: "file", path: "code.js", matches: "^\\d$" },
      { type: "git", clean: true },
      {
        type: "http",
        port: 8400,
        start: { run: 'node -e \'require("http").createServer((q, a) => a.end(`{"ok":true}`)).listen(8400)\'' },
        json: { path: "ok", equals: true },
      },
      { type: "command", run: "echo 2 > code.js; touch 'new file'" },
      { type: "command", run: "test -e none", exit_code: 1 },
    ]);
    expect(receipts.map(({ outcome, reason }) => (outcome === "passed" ? outcome : reason))).toEqual([
      ...["passed", "passed", "passed", "passed"],
      'While it ran, "code.js", "new file" changed. A check leaves the project\'s files as they are: ignore what it makes, or let it clean up.',
      "passed",
    ]);
    await adapter.shell("git checkout -q . && rm 'new file'");
  });

  it("passes honest tests of usual projects, which leave nothing behind that counts", async () => {
    const files = {
      "package.json": JSON.stringify({ name: "shop", scripts: { test: "node --test test.mjs" } }),
      "test.mjs":
        'import { test } from "node:test"; import { sum } from "./sum.mjs"; test("adds", () => { if (sum(1, 2) !== 3) throw 1; });',
      "sum.mjs": "export const sum = (one, other) => one + other;",
      "test_sum.py":
        "import unittest\nfrom sums import add\nclass Sums(unittest.TestCase):\n  def test(self): self.assertEqual(add(1, 2), 3)\n",
      "sums.py": "def add(one, other): return one + other\n",
    };
    for (const [name, text] of Object.entries(files))
      await adapter.sandbox.writeFile(`honest/${name}`, new TextEncoder().encode(text), untilEnd());
    const inFolder = { type: "command", cwd: "honest" } as const;
    const specs: CheckInput[] = [
      { ...inFolder, run: "npm test", matches: "fail 0$" },
      { ...inFolder, run: "python3 -m unittest", contains: "OK" },
    ];
    const receipts = await runChecks(adapter.sandbox.checks, specs);
    expect(receipts.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ["passed", "`npm test` exited with 0."],
      ["passed", "`python3 -m unittest` exited with 0."],
    ]);
    // A prepared file of bytecode is not what runs.
    await adapter.shell(
      "cd honest && python3 -m compileall -q --invalidation-mode unchecked-hash . && sed -i 's/+/-/' sums.py",
    );
    const [npm, python] = await runChecks(adapter.sandbox.checks, specs);
    expect(npm?.outcome).toBe("passed");
    expect(python).toMatchObject({ outcome: "failed", exit_code: 1 });
    await adapter.shell("rm -rf honest");
  });

  it("attaches to the command of a life that was lost, which runs once", async () => {
    const first = new AbortController();
    const place = adapter.sandbox.checks;
    if (place === undefined) throw new Error("no place");
    const lost: CheckPlace = { ...place, endProgram: () => Promise.resolve() };
    const spec: CheckInput = {
      type: "command",
      run: "echo x >> out/runs; touch changed; while [ ! -e out/go ]; do sleep 0.1; done; rm out/go",
    };
    const started = runChecks(lost, [spec], { call_id: "repeated", signal: first.signal });
    const rejected = expect(started).rejects.toThrow("lost");
    while (!(await adapter.shell("ls changed out/runs 2>&1")).includes("changed\nout"));
    first.abort(new Error("lost"));
    await rejected;
    const again = runChecks(adapter.open().checks, [spec], { call_id: "repeated" });
    await adapter.shell("touch out/go");
    expect((await again)[0]).toMatchObject({ outcome: "failed", exit_code: 0, changed_files: ["changed"] });
    expect(await adapter.shell("cat out/runs")).toBe("x\n");
    await adapter.shell("rm changed out/runs");
  });

  it("ends what it has started when it is cancelled", async () => {
    for (const spec of [
      { type: "command", run: "touch out/begun; setsid sleep 341 & sleep 342" },
      { type: "http", port: 8401, start: { run: "touch out/begun; sleep 343 & exec sleep 344", wait_seconds: 60 } },
    ] as CheckInput[]) {
      const cancel = new AbortController();
      const running = expect(runChecks(adapter.sandbox.checks, [spec], { signal: cancel.signal })).rejects.toThrow(
        "cancelled",
      );
      while ((await adapter.shell("ls out")) !== "begun\nlog\n");
      cancel.abort(new Error("cancelled"));
      await running;
      // The whole line of a program: our own script that waits for it has the command among its words.
      expect(await adapter.shell("pgrep -fx 'sleep 34[1-4]'; rm out/begun")).toBe("");
    }
  });

  it("is not misled by a sandbox that was stopped during a check", async () => {
    const running = runChecks(adapter.sandbox.checks, [{ type: "command", run: "touch out/begun; sleep 345" }]);
    while ((await adapter.shell("ls out")) !== "begun\nlog\n");
    const { server } = adapter.fixture;
    const headers = { Authorization: `Bearer ${apiKey}` };
    await (await fetch(`${server.apiUrl}/sandbox/${adapter.real.id}/stop`, { method: "POST", headers })).text();
    expect((await running)[0]).toMatchObject({ outcome: "not_run", reason: expect.stringContaining("restarted") });
  });
});

describe("what a check's command gets of the project", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await startFixture({ apiKey });
  });
  afterAll(() => fixture.dispose());

  it("are its secrets and variables, and what it prints of secrets is masked", async () => {
    const value = "it's a $ecret-value";
    const given: GivenSecret[] = [{ name: "TOKEN", value, hosts: [], kept_as: null }];
    const { checks } = createDaytonaSandbox({
      ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name: "given" },
      ...{ labels, recipe: { env: { PLAIN: "plain value", BASH_ENV: "/tmp/sourced", HOME: "/tmp/elsewhere" } } },
      secrets: { read: async () => given },
    });
    const place = checks as CheckPlace;
    const run = async (command: string, command_id = `given_${++count}`) =>
      place.runCommand({ command_id, run: command, cwd: null, time_limit_ms: 20_000 }, untilEnd());
    const seen = await run('echo "$TOKEN|$PLAIN|$BASH_ENV"; ls -A ~; ls -A /dev/shm /tmp | grep taskloom-env');
    expect(seen.output_head).toBe("***|plain value|\n/dev/shm:\n/tmp:\n".replace("/dev/shm:\n/tmp:\n", ""));
    const whole = await run('printf %s "$TOKEN" | sha256sum | cut -c 1-64');
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value)));
    expect(whole.output_head).toBe(`${Buffer.from(bytes).toString("hex")}\n`);
    const cut = await run(
      'head -c 32760 /dev/zero | tr "\\0" x; printf %s "$TOKEN"; head -c 65536 /dev/zero | tr "\\0" y; printf %s "$TOKEN"; head -c 32756 /dev/zero | tr "\\0" z',
    );
    expect(cut.output_head).toBe("x".repeat(32_760));
    expect(cut.output_tail).toBe(`***${"z".repeat(32_756)}`);
  });
});

describe("what is pushed", () => {
  let fixture: Fixture;
  let host: GitServer;
  beforeAll(async () => {
    [fixture, host] = await Promise.all([startFixture({ apiKey, privateUrlsAllowed: true }), startGitServer()]);
  });
  afterAll(async () => {
    await fixture.dispose();
    await host.close();
  });

  it("is what the project's remote says, not what the repository knows of it", async () => {
    const login = { username: "ann", password: "canary-77 pass" };
    const { url } = await host.addRepository("team/shop", { files: { "a.txt": "a" }, credentials: login });
    let known: typeof login | null = login;
    const sandbox = createDaytonaSandbox({
      ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name: "pushed", labels },
      git: { access: { findLogin: async () => known }, source: { url } },
    });
    const run = (command: string) =>
      sandbox.runCommand({ command_id: `pushed_${++count}`, command, wait_ms: 20_000 }, () => {}, untilEnd());
    const look = async () => (await runChecks(sandbox.checks, [{ type: "git", pushed: true, clean: true }]))[0];
    expect(await look()).toMatchObject({ outcome: "passed" });
    await run("cd shop && git -c user.name=a -c user.email=b commit -q --allow-empty -m two");
    expect((await look())?.reason).toBe("1 commits are not pushed.");
    await run(
      "cd shop && git update-ref refs/remotes/origin/main HEAD; git update-ref refs/remotes/origin/master HEAD",
    );
    await run(
      `git init -q --bare /tmp/fake && cd shop && git push -q /tmp/fake HEAD && git config --global url./tmp/fake.insteadOf ${url}`,
    );
    expect((await look())?.reason).toBe("1 commits are not pushed.");
    await run("cd shop && git checkout -q -b other");
    expect((await look())?.reason).toMatch(/was never pushed/);
    await run("git config --global --unset-all url./tmp/fake.insteadOf; cd shop && git checkout -q -");
    await sandbox.git.push(null, null, untilEnd());
    expect(await look()).toMatchObject({ outcome: "passed" });
    known = null;
    expect(await look()).toMatchObject({ outcome: "not_run", reason: expect.not.stringContaining("canary") });
  });
});
