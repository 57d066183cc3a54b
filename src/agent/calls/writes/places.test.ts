import { describe, expect, it } from "vitest";
import { callsTools, ScriptedRun, says } from "../../../../test/fakes/scripted-run.ts";
import { agentConfig } from "../../../protocol/agents/agent.ts";
import { fileTools } from "../../../tools/files.ts";
import { shellTools } from "../../../tools/shell.ts";
import { SandboxError, type SandboxPlace } from "../../sandbox.ts";

const gated = { approvals: { execute_command: ["*"] } };

/** A run that writes `path`, in a sandbox that says where it leads. */
async function write(
  path: string,
  { answer, agent = gated, cancels = false, impatient = false, is_granted = false }: Options = {},
) {
  const written = JSON.stringify({ path, content: "x" });
  const turns = [callsTools({ id: "c", name: "create_file", arguments: written }), says("done")];
  const run = new ScriptedRun(is_granted ? turns.slice(1) : turns, [...fileTools, ...shellTools]);
  const asked: string[][] = [];
  run.impatient = impatient;
  run.realSandbox = Object.assign(run.sandbox, {
    locate: async (paths: readonly { path: string }[]) => {
      asked.push(paths.map((each) => each.path));
      if (cancels) run.cancel.abort();
      return answer === undefined ? [{ below: path, doubt: null }] : answer();
    },
  });
  const call = { id: "c", type: "function" as const, function: { name: "create_file", arguments: written } };
  const history = [
    { role: "user" as const, content: "do it" },
    { role: "assistant" as const, content: "", tool_calls: [call] },
  ];
  const granted = { history, grants: new Map([["c", { arguments: null }]]) };
  const outcome = await run.run({ agent: agentConfig.parse(agent), ...(is_granted ? granted : {}) });
  const [result] = [...run.results.values()];
  return { outcome, asked, result, isWritten: run.sandbox.files.has(path), facts: run.facts };
}

interface Options {
  answer?: () => SandboxPlace[] | null | Promise<SandboxPlace[]>;
  agent?: object;
  cancels?: boolean;
  impatient?: boolean;
  is_granted?: boolean;
}

const doubted = (doubt: SandboxPlace["doubt"]) => () => [{ below: "docs/config", doubt }];

describe("where a path leads", () => {
  it("is not asked for agents whose commands need no approval", async () => {
    for (const agent of [{}, { approvals: { create_file: [".env"] } }, { approvals: { execute_command: ["rm *"] } }]) {
      const { asked, isWritten } = await write("notes.md", { agent });
      expect([asked, isWritten]).toEqual([[], true]);
    }
  });

  it("is not asked where the path says it all", async () => {
    const { outcome, asked, facts } = await write(".git/config");
    expect(asked).toEqual([]);
    expect(outcome.status).toBe("interrupted");
    expect(facts.map(({ type }) => type)).toEqual(["assistant_message"]);
  });

  it("is asked once, before the call counts as started", async () => {
    const { outcome, asked, isWritten, facts } = await write("docs/config", {
      answer: doubted("link"),
    });
    expect(asked).toEqual([["docs/config"]]);
    expect(isWritten).toBe(false);
    expect(facts.map(({ type }) => type)).toEqual(["assistant_message"]);
    const why = expect.stringContaining("docs/config: it leads through a link");
    expect(outcome).toMatchObject({
      interrupts: [{ reason: "approval", message: why, response_schema: { type: "object", description: why } }],
    });
  });

  it("lets a call be made that writes a plain file", async () => {
    const { outcome, isWritten } = await write("docs/config");
    expect([outcome.status, isWritten]).toEqual(["completed", true]);
  });

  it("is not asked of a call that a person has approved", async () => {
    const answer = doubted("link");
    for (const path of ["docs/config", ".git/config"]) {
      const { outcome, asked, isWritten } = await write(path, { answer, is_granted: true });
      expect([outcome.status, asked, isWritten], path).toEqual(["completed", [], true]);
    }
  });

  it("is taken for harmless where a sandbox has no links, and for a doubt where it can't be determined", async () => {
    expect((await write("a", { answer: () => null })).isWritten).toBe(true);
    expect((await write("a", { answer: doubted("unknown") })).outcome.status).toBe("interrupted");
    expect((await write("a", { answer: () => [] })).outcome.status).toBe("interrupted");
  });

  it("is the call's failure where the sandbox fails", async () => {
    const answer = () => Promise.reject(new SandboxError("invalid", "a leads out of the work dir."));
    const { result, isWritten } = await write("a", { answer });
    expect(result).toEqual({ content: "a leads out of the work dir.", is_error: true });
    expect(isWritten).toBe(false);
    const gone = () => Promise.reject(new SandboxError("unavailable", "There is no sandbox."));
    expect((await write("a", { answer: gone })).outcome).toMatchObject({ status: "failed" });
  });

  it("that is not known in time, or while the run is cancelled, leaves the call not made", async () => {
    const answer = () => new Promise<SandboxPlace[]>(() => {});
    const late = await write("a", { answer, impatient: true });
    expect([late.result?.content, late.isWritten]).toEqual([expect.stringMatching(/^not executed: /), false]);
    const cancelled = await write("a", { cancels: true });
    expect([cancelled.outcome.status, cancelled.isWritten]).toEqual(["cancelled", false]);
  });
});
