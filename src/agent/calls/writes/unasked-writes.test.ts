import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noSettings } from "../../../../test/fakes/settings.ts";
import { agentConfig } from "../../../protocol/agents/agent.ts";
import type { Plan } from "../../../protocol/plan/task.ts";
import { createTools } from "../../../tools/index.ts";
import { askFirst } from "../consent.ts";
import { findNamedWrite, findPlacedWrite, gatesEveryCommand, listGated } from "./unasked-writes.ts";

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

describe("a name", () => {
  const asks = (path: string) => findNamedWrite([{ path, text: "" }], commands("*")) !== null;

  it.each([
    ...[
      ".git/config",
      "a/../.GIT/hooks/pre-push",
      "shop/.github/workflows/a.yml",
      ".bashrc",
      ".envrc",
      ".local/bin/git",
    ],
    ...["./x/.vscode/tasks.json", "shop//.husky///pre-commit", "..a", "a/...", "../x", "shop\\.git\\config"],
    ...[
      "\uff0egit/config",
      "\u2024git/x",
      "\ufe52git/x",
      "\u2026git/x",
      "a/\u200b.git/x",
      "a/\ufeff.git/x",
      "a/\u00ad.x",
    ],
    ...[
      " .git/config",
      "a/\u00a0.git",
      "\u3000.git/config",
      "a/\t.git",
      "a/\n.git",
      "\u0001.git/x",
      ".git\n",
      ".a\u200d",
    ],
    ...["x/HEAD", "head", "x/He\u200bad", "\uff28EAD", "HEAD/a"],
  ])("that begins with a dot asks, however it is spelt: %j", (path) => {
    expect(asks(path)).toBe(true);
  });

  it.each([
    ...["package.json", "Makefile", "a.b/c.d", "src/index.ts", "./a", "a/./b", "a/.x/../b", "test/a.test.ts", "header"],
    ...["bin/cli.js", "Jenkinsfile", "lefthook.yml", "heads/x", "文件.md", "a b", "a\u200d.b"],
  ])("that does not is that of a source: %j", (path) => {
    expect(asks(path)).toBe(false);
  });

  it("with a dot asks whatever is before and after it, and whatever is not seen in front of it", () => {
    const plain = fc.stringMatching(/^[a-g]{1,6}$/);
    const unseen = fc.constantFrom("", " ", "\u200b", "\ufeff", "\u00ad", "\u2060", "\ufe0f", "\u{e0061}", "\u180e");
    const dot = fc.constantFrom(".", "\uff0e", "\u2024", "\ufe52");
    const parts = [fc.array(plain), fc.array(unseen), dot, plain, fc.array(plain)] as const;
    fc.assert(
      fc.property(...parts, (before, hidden, sign, name, after) =>
        asks([...before, `${hidden.join("")}${sign}${name}`, ...after].join("/")),
      ),
    );
  });

  it("says nothing in an absolute path, since the work dir may be below one", () => {
    const write = [{ path: "/home/u/.work/src/a.ts", text: "" }];
    expect(findNamedWrite(write, commands("*"))).toBeNull();
    expect(findPlacedWrite(write, [{ below: "src/a.ts", doubt: null }])).toBeNull();
    expect(findPlacedWrite(write, [{ below: "src/.a", doubt: null }])).toMatchObject({ why: "hidden" });
  });
});

describe("where a path leads", () => {
  const why = (place: Parameters<typeof findPlacedWrite>[1], path = "a") =>
    findPlacedWrite([{ path, text: "" }], place)?.why ?? null;

  it("asks outside of the work dir, by each doubt, and where the sandbox says nothing", () => {
    expect(why([{ below: "a", doubt: null }])).toBeNull();
    expect(why([{ below: null, doubt: null }])).toBe("outside");
    for (const doubt of ["hidden", "link", "special", "path", "unknown"] as const)
      expect(why([{ below: "a", doubt }])).toBe(doubt);
    expect(why([])).toBe("unknown");
  });

  it("is the text of a relative path in a sandbox without links", () => {
    expect([why(null), why(null, "/a"), why(null, "~/a")]).toEqual([null, "outside", "outside"]);
  });
});

describe("an agent with other patterns", () => {
  const asks = (pattern: string, text: string | null) =>
    listGated([{ path: ".x", text }], commands(pattern)).length > 0;

  it.each([
    ["rm *", "#!/bin/sh\nrm -rf build\n", true],
    ["rm *", "#!/bin/sh\nnpm test\n", false],
    ["rm *", "[core]\n\tfsmonitor = rm -rf x\n", true],
    ["rm *", '[filter "x"]\n\tclean = "rm x"', true],
    ["rm *", "jobs:\n  - run: rm x\n", true],
    ["rm *", '{"tasks": [{"command": "rm x"}]}', true],
    ["rm *", `#${"x".repeat(30_000)}`, true],
    ["*", "", true],
    ["rm *", null, true],
  ])("%s comes under the rule with what it writes: %j: %s", (pattern, text, expected) => {
    expect(asks(pattern, text)).toBe(expected);
  });

  it("comes under none without patterns for commands", () => {
    expect(findNamedWrite([{ path: ".git/config", text: null }], agentConfig.parse({}))).toBeNull();
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
  ])("that changes files asks about names with a dot: %s", (name, inputOf) => {
    for (const path of [".git/config", "a/../.GIT/hooks/pre-push", "x/.github/workflows/a.yml"]) {
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
    expect(question?.message).toContain("需要像命令一样批准，因为这可能让程序运行。.git/config：其中有以点开头的名称");
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
    expect(message).toMatch(/…(?:x\/)+\.git\/config: a name in it/);
  });
});
