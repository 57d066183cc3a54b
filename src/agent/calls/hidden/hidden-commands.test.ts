import { describe, expect, it } from "vitest";
import { noSettings } from "../../../../test/fakes/settings.ts";
import { agentConfig } from "../../../protocol/agents/agent.ts";
import type { Plan } from "../../../protocol/plan/task.ts";
import { createTools } from "../../../tools/index.ts";
import { askFirst } from "../consent.ts";
import { findHiddenCommand, gatesEveryCommand } from "./hidden-commands.ts";

const noPlan: Plan = { version: 0, sections: [], tasks: [] };
const commands = (...patterns: string[]) => agentConfig.parse({ approvals: { execute_command: patterns } });

describe("an agent whose every command is approved", () => {
  it.each([
    [["*"], true],
    [["**"], true],
    [[" * "], true],
    [["* *"], true],
    [["?*"], true],
    [["rm *", "*"], true],
    [["rm *"], false],
    [["?"], false],
    [["*a*"], false],
    [["git *", "npm *"], false],
  ])("has patterns %j: %s", (patterns, expected) => {
    expect(gatesEveryCommand(commands(...patterns))).toBe(expected);
  });

  it("is also one that has no commands, and not one without approvals", () => {
    expect(gatesEveryCommand(agentConfig.parse({ tools: ["create_file"] }))).toBe(true);
    expect(gatesEveryCommand(agentConfig.parse({ tools: ["execute_command"] }))).toBe(false);
    expect(gatesEveryCommand(agentConfig.parse({ approvals: { create_file: ["*"] } }))).toBe(false);
  });
});

describe("what is written to a file that is run", () => {
  const asks = (pattern: string, text: string | null, path = ".husky/pre-commit") =>
    findHiddenCommand([{ path, text }], commands(pattern)) !== null;

  it.each([
    ["rm *", "#!/bin/sh\nrm -rf build\n", true],
    ["rm *", "#!/bin/sh\nnpm test\n", false],
    ["rm *", "[core]\n\tfsmonitor = rm -rf x\n", true],
    ["rm *", "[core]\n\tfsmonitor=rm x", true],
    ["rm *", '[filter "x"]\n\tclean = "rm x"', true],
    ["rm *", "jobs:\n  - run: rm x\n", true],
    ["rm *", "script:\n  - rm x\n", true],
    ["rm *", '{"tasks": [{"command": "rm x"}]}', true],
    ["rm *", `#${"x".repeat(30_000)}`, true],
    ["*", "", true],
    ["rm *", null, true],
    ["*.husky/*", "", true],
  ])("by %s: %j asks: %s", (pattern, text, expected) => {
    expect(asks(pattern, text)).toBe(expected);
  });

  it("is nobody's concern in other files, or where no command needs approval", () => {
    expect(asks("*", "rm x", "scripts/clean.sh")).toBe(false);
    expect(findHiddenCommand([{ path: ".git/config", text: null }], agentConfig.parse({}))).toBeNull();
  });
});

describe("every tool", () => {
  const tools = createTools(noSettings);
  const ask = (name: string, input: object, agent = commands("*")) => {
    const tool = tools.find((each) => each.name === name);
    return tool ? askFirst(tool, input, agent, noPlan) : null;
  };

  it.each<[string, (path: string) => object]>([
    ["create_file", (path) => ({ path, content: "x" })],
    ["edit_file", (path) => ({ path, old_string: "a", new_string: "b", replace_all: false })],
    ["delete_file", (path) => ({ path })],
    ["move_file", (path) => ({ from: path, to: "a" })],
    ["move_file", (path) => ({ from: "a", to: path })],
    ["git_clone", (path) => ({ url: "https://example.com/a/b", path })],
  ])("that changes files asks about those that are run: %s", (name, inputOf) => {
    for (const path of [".git/config", "a/../.GIT/hooks/pre-push", "~/.bashrc", "/x/.github/workflows/a.yml"]) {
      const question = ask(name, inputOf(path));
      expect(question?.message.split("\n"), path).toEqual([
        `${name}: ${path}`,
        expect.stringMatching(/^It needs approval as commands do/),
      ]);
      expect(question?.response_schema.description).toContain(path);
    }
    expect(ask(name, inputOf("src/a.ts"))).toBeNull();
  });

  it("of the server's own that may write files says which", () => {
    const writing = tools.filter(({ writes }) => writes).map(({ name }) => name);
    const reading = tools.filter(({ kind, read_only }) => kind !== "work" || read_only).map(({ name }) => name);
    // These take no path of a file: commands are asked about by their text, and git brings what others have committed.
    const others = [
      ...["execute_command", "send_command_input", "terminate_command", "expose_port"],
      ...["git_commit", "git_push", "git_pull", "git_branch"],
    ];
    expect(new Set([...writing, ...reading, ...others])).toEqual(new Set(tools.map(({ name }) => name)));
    expect(new Set([...writing, ...reading, ...others]).size).toBe(writing.length + reading.length + others.length);
  });

  it("is asked about in the person's language", () => {
    const plan: Plan = { ...noPlan, tasks: [{ id: "t", content: "做网站", status: "pending", section_id: "s" }] };
    const tool = tools.find(({ name }) => name === "create_file");
    const question = tool && askFirst(tool, { path: ".git/config", content: "" }, commands("*"), plan);
    expect(question?.message).toContain("需要像命令一样批准：.git/config：git 会运行");
  });

  it("sends input under the approvals for commands, unless it has its own", () => {
    const input = { command_id: "c", input: "rm -rf x" };
    expect(ask("send_command_input", input, commands("rm *"))).not.toBeNull();
    expect(ask("send_command_input", input, commands("git *"))).toBeNull();
    const own = agentConfig.parse({ approvals: { execute_command: ["*"], send_command_input: ["sudo *"] } });
    expect(ask("send_command_input", input, own)).toBeNull();
  });

  it("shows the end of a long path, which says what it is", () => {
    const message = ask("create_file", { path: `${"x/".repeat(1_500)}.git/config`, content: "" })?.message ?? "";
    expect(message).toMatch(/…(?:x\/)+\.git\/config: git runs/);
  });
});
