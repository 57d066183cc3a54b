import { describe, expect, it } from "vitest";
import type { Sandbox } from "../agent/sandbox.ts";
import { scopeCommands } from "./command-scope.ts";

/** Only the methods that are used here. */
function makeSandbox(): { sandbox: Sandbox; seen: string[] } {
  const seen: string[] = [];
  const sandbox = {
    runCommand: async ({ command_id }) => {
      seen.push(command_id);
      return { exit_code: 0, output: "", omitted_bytes: 0 };
    },
    listCommands: async () => seen.map((command_id) => ({ command_id, command: "true", exit_code: 0 })),
  } satisfies Partial<Sandbox>;
  return { sandbox: sandbox as unknown as Sandbox, seen };
}

const signal = new AbortController().signal;

describe("scopeCommands", () => {
  it("keeps commands with the same id apart in two threads of one project", async () => {
    const { sandbox, seen } = makeSandbox();
    const first = scopeCommands(sandbox, "a");
    const second = scopeCommands(sandbox, "b");
    await first.runCommand({ command_id: "call_0", command: "true", wait_ms: 1 }, () => {}, signal);
    await second.runCommand({ command_id: "call_0", command: "true", wait_ms: 1 }, () => {}, signal);
    expect(new Set(seen).size).toBe(2);
    expect(await first.listCommands(signal)).toEqual([{ command_id: "call_0", command: "true", exit_code: 0 }]);
  });
});
