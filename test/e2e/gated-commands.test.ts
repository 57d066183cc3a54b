// An agent whose commands need a person's approval, over TCP and with real git: what makes programs run without a
// command is asked about, and git runs nothing that files name.
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
});
