import { describe, expect, it } from "vitest";
import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import { callTool } from "../../test/fakes/call-tool.ts";
import { type FileSearch, type FileSearchResult, SandboxError } from "../agent/sandbox.ts";
import { searchTools } from "./search.ts";

const sandbox = new MemorySandbox();
sandbox.putText("src/index.ts", "const cart = 1;\n  const other = cart;\n");
sandbox.putText("src/deep/cart.ts", `${"cart ".repeat(200)}\n`);
sandbox.putText("README.md", "Shop\n");

const call = (name: string, input: unknown, where = sandbox) => callTool(searchTools, name, input, { sandbox: where });

describe("list_files", () => {
  it("lists the work dir, with folders marked and sizes of files", async () => {
    expect((await call("list_files", {})).content).toBe("README.md  5 bytes\nsrc/");
  });

  it("lists to the given depth, from the given folder", async () => {
    const { content, details } = await call("list_files", { path: "src", depth: "2" });
    expect(content.split("\n").map((line) => line.split("  ")[0])).toEqual([
      "src/deep/",
      "src/deep/cart.ts",
      "src/index.ts",
    ]);
    expect(details).toEqual({ path: "src", entries: 3 });
  });

  it("says if a folder is empty, and if it shows only a part", async () => {
    expect((await call("list_files", { path: "" }, new MemorySandbox())).content).toBe("(the folder is empty)");
    const full = new MemorySandbox();
    for (let index = 0; index < 1_200; index++) full.putText(`f${index}`, "");
    expect((await call("list_files", {}, full)).content).toContain("only the first 1000");
  });

  it("passes the error of a missing folder on, and refuses a depth out of range", async () => {
    await expect(call("list_files", { path: "nope" })).rejects.toThrow("no folder nope");
    await expect(call("list_files", { depth: 11 })).rejects.toThrow();
  });
});

describe("find_files", () => {
  it.each([
    ["*.ts", "src/deep/cart.ts\nsrc/index.ts"],
    ["**/*.ts", "src/deep/cart.ts\nsrc/index.ts"],
    ["src/deep/*.ts", "src/deep/cart.ts"],
    ["src/**/cart.*", "src/deep/cart.ts"],
    ["*.py", "No file fits *.py."],
  ])("understands %s", async (pattern, content) => {
    expect(await call("find_files", { pattern })).toMatchObject({ content, is_error: false });
  });

  it.each([
    ["/*.ts", "/"],
    ["/**/*.ts", "/"],
    ["/srv/*.ts", "/srv"],
  ])("searches the right folder for %s", async (pattern, folder) => {
    const asked: string[] = [];
    const spy = new MemorySandbox();
    spy.findFiles = async (path) => {
      asked.push(path);
      return [];
    };
    await call("find_files", { pattern }, spy);
    expect(asked).toEqual([folder]);
  });

  it.each(["src/*/test/*.ts", "src/", "s?c/*.ts"])("says why it can't search for %s", async (pattern) => {
    expect(await call("find_files", { pattern })).toMatchObject({
      is_error: true,
      content: expect.stringContaining("base name"),
    });
  });

  it("shows a bounded number of files", async () => {
    const full = new MemorySandbox();
    for (let index = 0; index < 600; index++) full.putText(`f${index}.ts`, "");
    expect((await call("find_files", { pattern: "*.ts" }, full)).content).toMatch(/\n\(100 more left out; .*\)$/);
  });
});

describe("search_files", () => {
  it("shows path, line and text, and cuts long lines", async () => {
    const { content, details } = await call("search_files", { query: "cart" });
    const lines = content.split("\n");
    expect(lines.slice(0, 2)).toEqual(["src/index.ts:1: const cart = 1;", "src/index.ts:2:   const other = cart;"]);
    expect(lines[2]?.length).toBeLessThan(340);
    expect(details).toEqual({ query: "cart", path: ".", matches: 3 });
  });

  it("shows lines with their indentation, so that what is copied from them into edit_file matches", async () => {
    const indented = new MemorySandbox();
    indented.putText("a", "if x:\n\t\ty = 1  \r\n    z(y)\n");
    const { content } = await call("search_files", { pattern: "y" }, indented);
    expect(content).toBe("a:2: \t\ty = 1\na:3:     z(y)");
  });

  it("searches below one folder, and says if it finds nothing", async () => {
    expect((await call("search_files", { pattern: "Shop", path: "src" })).content).toBe("No line contains this text.");
    await expect(call("search_files", { query: "" })).rejects.toThrow();
  });

  it("names a binary file that matches, without its content", async () => {
    const mixed = new MemorySandbox();
    const binary = { nul: "x\0y", marks: "x\x01\x02", foreign: "x\ufffd\ufffd" };
    for (const [path, text] of Object.entries({ ...binary, text: "x\t\x1b[1m中" })) mixed.putText(path, text);
    const { content } = await call("search_files", { query: "x" }, mixed);
    const hidden = Object.keys(binary).map((path) => `${path}:1: (in binary data, not shown)`);
    expect(content.split("\n").toSorted()).toEqual([...hidden, "text:1: x\t\x1b[1m中"].toSorted());
  });

  it("shows a bounded number of lines", async () => {
    const full = new MemorySandbox();
    full.putText("a", "x\n".repeat(250));
    expect((await call("search_files", { query: "x" }, full)).content).toContain("(50 more left out");
  });

  describe("with an expression", () => {
    const asked: FileSearch[] = [];
    const spy = Object.assign(new MemorySandbox(), {
      searchFiles: async (search: FileSearch): Promise<FileSearchResult> => {
        asked.push(search);
        if (search.is_expression && search.pattern.endsWith("(")) throw new SandboxError("invalid", "missing )");
        if (search.path.startsWith("..")) throw new SandboxError("invalid", "leads out");
        const problem = search.pattern === "slow+" ? "It was stopped." : null;
        return { matches: search.pattern === "a\\|b" ? [] : [{ path: "a", line: 1, text: "x" }], problem };
      },
    });
    const search = async (input: object) => (await call("search_files", input, spy)).content;

    it("searches for it as an expression only where it can be one", async () => {
      asked.length = 0;
      await search({ pattern: "plain text" });
      await search({ query: "a.b", include: "*.ts", "-i": "true" });
      await search({ regex: "a.b", literal: true, path: "src" });
      expect(asked).toEqual([
        { path: ".", pattern: "plain text", glob: null, ignore_case: false, is_expression: false },
        { path: ".", pattern: "a.b", glob: "*.ts", ignore_case: true, is_expression: true },
        { path: "src", pattern: "a.b", glob: null, ignore_case: false, is_expression: false },
      ]);
    });

    it("searches for plain text if it is wrong, and says so with the engine's sentence", async () => {
      expect(await search({ pattern: "foo(" })).toBe(
        "(This is no valid expression (missing )), so it was searched for as plain text.)\na:1: x",
      );
      await expect(search({ pattern: "foo(", path: "../x" })).rejects.toThrow("leads out");
    });

    it("says what may be missing, and what a model means by \\|", async () => {
      expect(await search({ pattern: "slow+" })).toBe("(It was stopped.)\na:1: x");
      expect(await search({ pattern: "a\\|b" })).toContain("alternatives are written a|b");
    });
  });
});
