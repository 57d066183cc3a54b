import { describe, expect, it, vi } from "vitest";
import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import { callTool, readInput } from "../../test/fakes/call-tool.ts";
import { SandboxError } from "../agent/sandbox.ts";
import { shellTools } from "./shell.ts";

const call = (sandbox: MemorySandbox, name: string, input: unknown, signal?: AbortSignal) =>
  callTool(shellTools, name, input, { sandbox, ...(signal && { signal }) });

const server = () => new MemorySandbox(() => ({ output: "listening\n", exit_code: null }));

describe("execute_command", () => {
  it("returns exit code and output under the call's id, and streams the output", async () => {
    const sandbox = new MemorySandbox(() => ({ output: "hello\n", exit_code: 0 }));
    const runCommand = vi.spyOn(sandbox, "runCommand");
    const heard: string[] = [];
    const result = await callTool(
      shellTools,
      "execute_command",
      { command: "echo hello", cwd: "app" },
      { sandbox, onOutput: (stream, text) => heard.push(`${stream}: ${text}`) },
    );
    expect(result.content).toBe("exit_code: 0\nhello\n");
    expect(result.details).toEqual({ command: "echo hello", command_id: "call_1", exit_code: 0, running: false });
    const request = { command_id: "call_1", command: "echo hello", cwd: "app", wait_ms: 60_000 };
    expect(runCommand.mock.calls.map(([asked]) => asked)).toEqual([request]);
    expect(heard).toEqual(["stdout: hello\n"]);
  });

  it("returns a failing command's exit code, which is not an error of the call", async () => {
    const sandbox = new MemorySandbox(() => ({ output: "", exit_code: 1 }));
    expect(await call(sandbox, "execute_command", { command: "false" })).toMatchObject({
      content: "exit_code: 1\n(no output)",
      is_error: false,
    });
  });

  it("waits for the given time, a second in the background, and longer before it gives up", async () => {
    const sandbox = server();
    const runCommand = vi.spyOn(sandbox, "runCommand");
    await call(sandbox, "execute_command", { command: "a", timeout_seconds: "90" });
    await call(sandbox, "execute_command", { command: "b", background: "true" });
    expect(runCommand.mock.calls.map(([request]) => request.wait_ms)).toEqual([90_000, 1_000]);
    const tool = shellTools.find((candidate) => candidate.name === "execute_command");
    const limit = tool?.time_limit_ms as (input: unknown) => number;
    expect(tool && limit(readInput(tool, { command: "a", timeout_seconds: 90 }))).toBeGreaterThan(90_000);
  });

  it("says that a command still runs and how to continue", async () => {
    const result = await call(server(), "execute_command", { command: "node server.js", background: true });
    expect(result.content).toContain("still running (command_id: call_1)");
    expect(result.content).toContain("listening");
    expect(result.details).toMatchObject({ exit_code: null, running: true });
  });

  it("says that a command waits for input, with what it printed last", async () => {
    const state = { exit_code: null, output: "Password: ", omitted_bytes: 0, waits_for_input: true };
    const sandbox = Object.assign(new MemorySandbox(), { runCommand: async () => state });
    const result = await call(sandbox, "execute_command", { command: "npm login" });
    expect(result.content).toMatch(
      /^still running \(command_id: call_1\) and waiting for input: .*send_command_input.*\nPassword: $/,
    );
    expect(result.details).toMatchObject({ exit_code: null, running: true, waits_for_input: true });
  });

  it("says how to read what was left out of long output", async () => {
    const sandbox = new MemorySandbox(() => ({ output: "a…z", exit_code: 0, omitted_bytes: 12 }));
    const { content } = await call(sandbox, "execute_command", { command: "seq 9" });
    expect(content).toMatch(/^exit_code: 0\n\(12 bytes in the middle of this output are left out; .*file/);
  });

  it("re-attaches if it is called again under the same id", async () => {
    const sandbox = server();
    await call(sandbox, "execute_command", { command: "sleep 9" });
    await call(sandbox, "execute_command", { command: "sleep 9" });
    expect(sandbox.commands.size).toBe(1);
  });

  it.each([
    ["no command", {}],
    ["an empty command", { command: "" }],
    ["no wait", { command: "a", timeout_seconds: 0 }],
    ["a wait over an hour", { command: "a", timeout_seconds: 3601 }],
    ["a wait that is no number", { command: "a", timeout_seconds: "soon" }],
  ])("refuses %s", async (_, input) => {
    await expect(call(new MemorySandbox(), "execute_command", input)).rejects.toThrow();
  });

  it("ends the command when the run is cancelled", async () => {
    const sandbox = new MemorySandbox(() => "hang");
    const cancel = new AbortController();
    const result = call(sandbox, "execute_command", { command: "sleep 99" }, cancel.signal);
    cancel.abort(new Error("cancelled"));
    await expect(result).rejects.toThrow("cancelled");
    expect(sandbox.commands.get("call_1")?.state.exit_code).toBe(143);
  });

  it("lets the command continue if only the time limit is over", async () => {
    const sandbox = new MemorySandbox(() => "hang");
    const cancel = new AbortController();
    const result = call(sandbox, "execute_command", { command: "sleep 99" }, cancel.signal);
    cancel.abort(new DOMException("too long", "TimeoutError"));
    await expect(result).rejects.toThrow("too long");
    expect(sandbox.commands.get("call_1")?.state.exit_code).toBeNull();
  });

  it("is cancelled even if the command can't be ended", async () => {
    await expect(
      call(new MemorySandbox(), "execute_command", { command: "a" }, AbortSignal.abort(new Error("cancelled"))),
    ).rejects.toThrow("cancelled");
  });

  it("passes a failure of the sandbox on", async () => {
    const failure = new SandboxError("unavailable", "There is no sandbox.");
    const sandbox = Object.assign(new MemorySandbox(), { runCommand: () => Promise.reject(failure) });
    await expect(call(sandbox, "execute_command", { command: "a" })).rejects.toBe(failure);
  });
});

describe("the tools for running commands", () => {
  it("show output, take input, list and end", async () => {
    const sandbox = server();
    await call(sandbox, "execute_command", { command: "cat\n-n", background: true });
    expect((await call(sandbox, "check_command_output", { command_id: "call_1" })).content).toContain("still running");
    await call(sandbox, "send_command_input", { command_id: "call_1", input: "one" });
    await call(sandbox, "send_command_input", { command_id: "call_1", input: "two\n" });
    expect(sandbox.commands.get("call_1")?.input).toEqual(["one\n", "two\n"]);
    expect((await call(sandbox, "list_commands", {})).content).toBe("call_1  running  cat -n");
    expect((await call(sandbox, "terminate_command", { id: "call_1" })).is_error).toBe(false);
    expect((await call(sandbox, "check_command_output", { command_id: "call_1" })).content).toContain("exit_code: 143");
    expect(await call(sandbox, "list_commands", {})).toMatchObject({
      content: "call_1  exit_code 143  cat -n",
      details: { commands: 1, running: 0 },
    });
  });

  it.each(["check_command_output", "send_command_input", "terminate_command"])(
    "say where ids are when %s gets an unknown one",
    async (name) => {
      await expect(call(new MemorySandbox(), name, { command_id: "call_9", input: "x" })).rejects.toThrow(
        /no command call_9\. list_commands/,
      );
    },
  );

  it("pass other refusals on unchanged", async () => {
    const sandbox = new MemorySandbox();
    await call(sandbox, "execute_command", { command: "true" });
    await expect(call(sandbox, "send_command_input", { command_id: "call_1", input: "x" })).rejects.toThrow(
      /^The command has ended\.$/,
    );
  });

  it("list the newest of many commands", async () => {
    const sandbox = new MemorySandbox();
    expect((await call(sandbox, "list_commands", {})).content).toContain("No command");
    for (let index = 0; index < 60; index++) {
      await callTool(shellTools, "execute_command", { command: "true" }, { sandbox, tool_call_id: `call_${index}` });
    }
    const lines = (await call(sandbox, "list_commands", {})).content.split("\n");
    expect(lines[0]).toBe("(10 earlier commands left out)");
    expect(lines.at(-1)).toContain("call_59");
  });
});
