import { describe, expect, it } from "vitest";
import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import { callTool } from "../../test/fakes/call-tool.ts";
import { SandboxError } from "../agent/sandbox.ts";
import { fileTools } from "./files.ts";

function sandboxWith(files: Record<string, string>): MemorySandbox {
  const sandbox = new MemorySandbox();
  for (const [path, text] of Object.entries(files)) sandbox.putText(path, text);
  return sandbox;
}

const call = (sandbox: MemorySandbox, name: string, input: unknown) => callTool(fileTools, name, input, { sandbox });

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

describe("create_file", () => {
  it("writes the text and says how many bytes it has", async () => {
    const sandbox = new MemorySandbox();
    const result = await call(sandbox, "create_file", { path: "a.txt", content: "é\n" });
    expect(result).toEqual({
      content: "Wrote a.txt (3 bytes).",
      is_error: false,
      details: { path: "a.txt", bytes: 3 },
    });
    expect(sandbox.getText("a.txt")).toBe("é\n");
  });

  it("writes an empty file, and an object as JSON", async () => {
    const sandbox = new MemorySandbox();
    await call(sandbox, "create_file", { file_path: "empty", content: "" });
    await call(sandbox, "create_file", { path: "a.json", content: { a: 1 } });
    expect(sandbox.getText("empty")).toBe("");
    expect(JSON.parse(sandbox.getText("a.json") ?? "")).toEqual({ a: 1 });
  });

  it("refuses content that is too large, and a call without content", async () => {
    const sandbox = new MemorySandbox();
    const large = await call(sandbox, "create_file", { path: "a", content: "x".repeat(5 * 1024 * 1024 + 1) });
    expect(large).toMatchObject({ is_error: true, content: expect.stringContaining("5242880 bytes") });
    expect(sandbox.files.has("a")).toBe(false);
    await expect(call(sandbox, "create_file", { path: "a" })).rejects.toThrow();
  });
});

describe("read_file", () => {
  it("shows a whole file exactly as it is", async () => {
    const text = "\ufeffone\r\n\ttwo  \n";
    const result = await call(sandboxWith({ a: text }), "read_file", { path: "a" });
    expect(result.content).toBe(text);
    expect(result.details).toMatchObject({ path: "a", lines: 2 });
  });

  it("shows a range and says where to continue", async () => {
    const sandbox = sandboxWith({ a: numbers(10) });
    const range = await call(sandbox, "read_file", { path: "a", start_line: "3", end_line: 4 });
    expect(range.content).toBe("line 3\nline 4\n[lines 3-4 of 10; to go on, call read_file with start_line 5]");
    const rest = await call(sandbox, "read_file", { path: "a", start_line: 9, end_line: 99 });
    expect(rest.content).toBe("line 9\nline 10\n[lines 9-10 of 10]");
  });

  it("shows a long file in pages that join without a gap", async () => {
    const text = numbers(9_000);
    const sandbox = sandboxWith({ a: text });
    let start_line = 1;
    let joined = "";
    for (let page = 0; page < 10; page++) {
      const { content } = await call(sandbox, "read_file", { path: "a", start_line });
      expect(content.length).toBeLessThanOrEqual(31_000);
      joined += content.slice(0, content.lastIndexOf("\n[lines") + 1);
      const next = /start_line (\d+)\]$/.exec(content)?.[1];
      if (!next) break;
      start_line = Number(next);
    }
    expect(joined).toBe(text);
  });

  it("shows the start of a line that is too long by itself, and how to read on", async () => {
    const { content } = await call(sandboxWith({ a: `${"x".repeat(50_000)}\nend\n` }), "read_file", { path: "a" });
    expect(content).toContain("first 30000 of 50000 characters");
    expect(content).toContain("start_line 2");
    expect(content.length).toBeLessThan(31_000);
  });

  it("says that a file is empty", async () => {
    expect((await call(sandboxWith({ a: "" }), "read_file", { path: "a" })).content).toBe("(the file is empty)");
  });

  it.each([
    ["a NUL byte", [104, 0, 105]],
    ["what is no UTF-8", [0xff, 0xd8, 0xff]],
  ])("does not show a binary file with %s", async (_, bytes) => {
    const sandbox = new MemorySandbox();
    sandbox.files.write("a.bin", new Uint8Array(bytes));
    expect(await call(sandbox, "read_file", { path: "a.bin" })).toEqual({
      content: "a.bin is a binary file of 3 bytes and can't be shown.",
      is_error: true,
    });
  });

  it("refuses lines that are not there or out of order", async () => {
    const sandbox = sandboxWith({ a: numbers(3) });
    expect((await call(sandbox, "read_file", { path: "a", start_line: 4 })).content).toContain(
      "the last line of a is 3",
    );
    expect((await call(sandbox, "read_file", { path: "a", start_line: 3, end_line: 2 })).is_error).toBe(true);
    await expect(call(sandbox, "read_file", { path: "a", start_line: 0 })).rejects.toThrow();
    await expect(call(sandbox, "read_file", { path: "b" })).rejects.toThrow("no file b");
  });

  it("says how to read what the sandbox finds too large", async () => {
    const readFile = () => Promise.reject(new SandboxError("too_large", "a has 99 MB."));
    const sandbox = Object.assign(new MemorySandbox(), { readFile });
    await expect(call(sandbox, "read_file", { path: "a" })).rejects.toThrow(/^a has 99 MB\. .*sed -n/);
  });
});

describe("edit_file", () => {
  const edit = (sandbox: MemorySandbox, old_string: string, new_string: string, replace_all?: boolean) =>
    call(sandbox, "edit_file", { path: "a", old_string, new_string, replace_all });

  it("replaces the one place and says where it is", async () => {
    const sandbox = sandboxWith({ a: "one\ntwo\n" });
    expect(await edit(sandbox, "two", "$& $1 2")).toMatchObject({
      content: "Edited a (line 2).",
      details: { path: "a", replacements: 1 },
    });
    expect(sandbox.getText("a")).toBe("one\n$& $1 2\n");
  });

  it("removes text, and keeps a byte order mark", async () => {
    const sandbox = sandboxWith({ a: "\ufeffone two" });
    await edit(sandbox, " two", "");
    expect(sandbox.getText("a")).toBe("\ufeffone");
  });

  it("replaces all places only when asked to", async () => {
    const sandbox = sandboxWith({ a: "x\ny x\n" });
    const refused = await edit(sandbox, "x", "z");
    expect(refused.is_error).toBe(true);
    expect(refused.content).toContain("2 times in a (lines 1, 2)");
    expect(sandbox.getText("a")).toBe("x\ny x\n");
    expect((await edit(sandbox, "x", "z", true)).content).toBe("Edited a (2 places, lines 1, 2).");
    expect(sandbox.getText("a")).toBe("z\ny z\n");
  });

  it("adapts line breaks to those of the file", async () => {
    const sandbox = sandboxWith({ a: "one\r\ntwo\r\nthree\r\n" });
    await edit(sandbox, "one\ntwo", "1\n2");
    expect(sandbox.getText("a")).toBe("1\r\n2\r\nthree\r\n");
  });

  it("answers a miss with the nearest lines, as they are in the file", async () => {
    const sandbox = sandboxWith({ a: "if (x) {\n  y\n}" });
    const missed = await edit(sandbox, "if (x) { y", "z");
    expect(missed.is_error).toBe(true);
    expect(missed.content).toMatch(
      /^old_string was not found in a, so nothing was changed\. .*nearest.*\n1\tif \(x\) \{\n2\t {2}y\n/,
    );
    expect((await edit(sandbox, "nope", "z")).content).toContain("No line of it is alike");
    expect((await edit(sandbox, " \t ", "z")).is_error).toBe(true);
  });

  it("applies a single match but for white space, and shows the lines as they are now", async () => {
    const sandbox = sandboxWith({ a: "def f():\n\tif x:\n\t\treturn 1\n" });
    const { content, is_error } = await edit(sandbox, "if x:\n    return 1", "if x:\n    y = 2\n    return y");
    expect(is_error).toBe(false);
    expect(content).toMatch(
      /^Edited a \(line 2\)\. It matched but for white space; .*\n2\t\tif x:\n3\t\t\ty = 2\n4\t\t\treturn y$/,
    );
    expect(sandbox.getText("a")).toBe("def f():\n\tif x:\n\t\ty = 2\n\t\treturn y\n");
  });

  it.each([
    ["old_text", "new_text"],
    ["old_str", "new_str"],
    ["oldString", "newString"],
  ])("takes %s and %s too, and the names of the schema before them", async (old, fresh) => {
    const sandbox = sandboxWith({ a: "one one two" });
    await call(sandbox, "edit_file", { file_path: "a", [old]: "two", [fresh]: "2" });
    expect(sandbox.getText("a")).toBe("one one 2");
    await call(sandbox, "edit_file", { path: "a", old_string: "2", new_string: "", [old]: "one", [fresh]: "1" });
    expect(sandbox.getText("a")).toBe("one one ");
    await call(sandbox, "edit_file", { path: "a", [old]: "one", [fresh]: "1", replaceAll: "true" });
    expect(sandbox.getText("a")).toBe("1 1 ");
    await call(sandbox, "edit_file", { path: "a", [old]: "1", [fresh]: "x", allow_multiple: true });
    expect(sandbox.getText("a")).toBe("x x ");
  });

  it("refuses empty, unchanged and binary text, and a file that is not there", async () => {
    const sandbox = sandboxWith({ a: "x" });
    expect((await edit(sandbox, "", "z")).content).toContain("create_file");
    expect((await edit(sandbox, "x", "x")).content).toContain("the same");
    sandbox.files.write("a", new Uint8Array([0]));
    expect((await edit(sandbox, "x", "z")).content).toContain("binary");
    sandbox.files.delete("a", false);
    await expect(edit(sandbox, "x", "z")).rejects.toThrow("no file a");
  });

  it("refuses an edit that makes the file too large", async () => {
    const sandbox = sandboxWith({ a: "x".repeat(100_000) });
    const result = await edit(sandbox, "x", "y".repeat(100_000), true);
    expect(result).toMatchObject({ is_error: true, content: expect.stringContaining("5242880") });
    expect((await edit(sandbox, "x", "字".repeat(40), true)).is_error).toBe(true);
    expect(sandbox.getText("a")).toHaveLength(100_000);
  });
});

describe("delete_file and move_file", () => {
  it("delete and move a file", async () => {
    const sandbox = sandboxWith({ a: "1", b: "2" });
    expect((await call(sandbox, "delete_file", { path: "a" })).content).toBe("Deleted a.");
    expect((await call(sandbox, "move_file", { from: "b", to: "c" })).details).toEqual({ from: "b", to: "c" });
    expect(sandbox.files.list("", 1)).toMatchObject([{ path: "c", size: 1 }]);
  });

  it("pass the sandbox's refusals on", async () => {
    const sandbox = sandboxWith({ "folder/a": "1", b: "2", c: "3" });
    await expect(call(sandbox, "delete_file", { path: "folder" })).rejects.toThrow("is a folder");
    await expect(call(sandbox, "delete_file", { path: "nope" })).rejects.toThrow("no file");
    await expect(call(sandbox, "move_file", { from: "b", to: "c" })).rejects.toThrow("exists already");
  });
});
