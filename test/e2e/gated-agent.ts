// An agent whose commands need a person's approval, in a sandbox of the stand-in, with a host for repositories.
import { expect } from "vitest";
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

export const { signal } = new AbortController();
const gated = agentConfig.parse({ approvals: { execute_command: ["*"] } });
/** What a program leaves that should not have run. */
export const PWNED = "touch $HOME/pwned;";

export interface Called {
  outcome: LoopOutcome;
  results: { content: string; is_error: boolean }[];
}

export type GatedStage = Awaited<ReturnType<typeof startGatedStage>>;

export async function startGatedStage() {
  const [fixture, host]: [Fixture, GitServer] = await Promise.all([
    startFixture({ apiKey, isolation: "none" }),
    startGitServer(),
  ]);
  const settingsOf = (name: string) => ({
    ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name, labels: {} },
  });
  const sandbox = createDaytonaSandbox({
    ...settingsOf("gated"),
    git: { access: { findLogin: async () => null }, source: null },
  });
  let count = 0;

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

  /** One step of a model that makes these calls, one message each. */
  async function runCalls(
    calls: [name: string, input: object][],
    agent = gated,
    place: Sandbox = sandbox,
  ): Promise<Called> {
    const turns = calls.map(([name, input]) => callsTools({ name, arguments: JSON.stringify(input) }));
    const run = new ScriptedRun([...turns, says("done")], [...shellTools, ...fileTools, ...gitTools]);
    run.realSandbox = place;
    const outcome = await run.run({ agent });
    expect(run.bugs).toEqual([]);
    return { outcome, results: [...run.results.values()] };
  }

  return {
    host,
    settingsOf,
    shell,
    makeRepository,
    runCalls,
    hasRun: async () => (await shell("ls $HOME")).split("\n").includes("pwned"),
    close: async () => {
      await fixture.dispose();
      await host.close();
    },
  };
}
