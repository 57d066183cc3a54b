// The contract for files that needs a real machine: its own files, and more data than fits.
import { describe, expect, it } from "vitest";
import type { FileSearch } from "../../../src/agent/sandbox.ts";
import { failureOf, run, sandbox, search, untilEnd, writeText } from "./fixture.ts";

export function describeFiles(): void {
  it("report a write that is impossible", async () => {
    expect((await failureOf(writeText("/usr/share/never.txt", "x"))).code).not.toBe("unavailable");
  });

  it("are not read where they would not fit into memory", async () => {
    await run("head -c 11000000 /dev/zero > large.bin");
    expect((await failureOf(sandbox.readFile("large.bin", untilEnd()))).code).toBe("too_large");
    expect((await failureOf(sandbox.readFile("/dev/zero", untilEnd()))).code).not.toBe("unavailable");
  });

  it("are listed up to a thousand entries", async () => {
    await run("mkdir -p many && cd many && for i in $(seq 1 1100); do : > $i; done");
    expect(await sandbox.listFiles("many", 1, untilEnd())).toHaveLength(1000);
  });

  it("are searched within a limit when everything matches", async () => {
    await run('mkdir -p wide && for i in $(seq 1 3000); do echo "needle \\"$i\\""; done > wide/lines.txt');
    await run("head -c 600000 /dev/zero | tr '\\0' x > wide/minified.js; echo needle >> wide/minified.js");
    const { matches } = await search("wide", "needle");
    expect(matches).toHaveLength(1000);
    expect(matches[0]).toEqual({ path: "wide/lines.txt", line: 1, text: 'needle "1"' });
    for (const { text } of matches) expect(text.length).toBeLessThan(1000);
    const minified = await search("wide", "needle", { glob: "*.js" });
    expect(minified.matches).toMatchObject([{ path: "wide/minified.js", line: 1 }]);
    expect((await search("wide/lines.txt", 'needle "30"')).matches).toMatchObject([
      { path: "wide/lines.txt", line: 30 },
    ]);
  });

  describe("are searched by an expression", () => {
    const find = async (pattern: string, options: Partial<FileSearch> = {}) => {
      const { matches } = await search("expr", pattern, { is_expression: true, ...options });
      return matches.map(({ path, line }) => `${path.slice("expr/".length)}:${line}`);
    };

    it("in the usual forms", async () => {
      await writeText("expr/a.ts", "const x1 = foo(bar);\nconst\ty = 22;\n价格：¥5\r\nfoobar\n");
      await writeText("expr/sub/b.py", "def Foo(self):\n    return 'x'\n");
      await writeText("expr/node_modules/c.ts", "foo(\n");
      await writeText("expr/.git/config", "foo(\n");
      await run("printf 'foo(\\0' > expr/binary; ln -s a.ts expr/link.ts; mkfifo expr/pipe");
      expect(await find("foo\\(")).toEqual(["a.ts:1"]);
      expect(await find("\\bfoo\\b")).toEqual(["a.ts:1"]);
      expect(await find("\\d{2,}|¥\\d")).toEqual(["a.ts:2", "a.ts:3"]);
      expect(await find("^const\\s+[a-z]\\w*\\s*=")).toEqual(["a.ts:1", "a.ts:2"]);
      expect(await find("(?i)def foo")).toEqual(["sub/b.py:1"]);
      expect(await find("def foo", { ignore_case: true })).toEqual(["sub/b.py:1"]);
      expect(await find("foo(?=bar)")).toEqual(["a.ts:4"]);
      expect(await find("(?:foo|Foo)\\(", { glob: "*.{py,js}" })).toEqual(["sub/b.py:1"]);
      expect(await find("\\u4ef7.{1}：")).toEqual(["a.ts:3"]);
      expect(await find("¥\\d$")).toEqual([]);
    });

    it("with the engine's sentence if it is wrong", async () => {
      const error = await failureOf(search("expr", "foo(", { is_expression: true }));
      expect(error).toMatchObject({ code: "invalid", message: expect.stringMatching(/paren|\(/i) });
      expect((await failureOf(search("expr", "[z-a]", { is_expression: true }))).code).toBe("invalid");
      expect((await failureOf(search("expr/none", "x", { is_expression: true }))).code).toBe("not_found");
    });

    it("within a bound of time, whatever the expression does", async () => {
      await run("mkdir -p slow && head -c 60000 /dev/zero | tr '\\0' a > slow/a.txt && echo '!' >> slow/a.txt");
      const { matches, problem } = await search("slow", "^(a+)+$", { is_expression: true });
      expect(matches).toEqual([]);
      expect(problem).toMatch(/too long|stopped/);
    });

    it("says so when a line ends the search", async () => {
      await run("mkdir -p greedy && head -c 40 /dev/zero | tr '\\0' a > greedy/a.txt && echo '!' >> greedy/a.txt");
      await writeText("greedy/b.txt", "b\n");
      const { matches, problem } = await search("greedy", "(a+)+$|b", { is_expression: true });
      if (matches.length === 0) expect(problem).toMatch(/not all files/);
      else expect(matches).toMatchObject([{ path: "greedy/b.txt" }]);
    });

    it("under any name, and at the end of a link", async () => {
      await writeText("names/a:12:b.txt", "needle\n");
      const made = await run(
        "cd names && mkdir 'c\n.' && echo needle > 'c\n./d.txt' && echo needle > 'e\nf' && ln -s a:12:b.txt link.txt",
      );
      expect(made.exit_code).toBe(0);
      expect((await search("names", "needle")).matches).toEqual([
        { path: "names/a:12:b.txt", line: 1, text: "needle" },
      ]);
      expect((await search("names/link.txt", "needle")).matches).toEqual([
        { path: "names/link.txt", line: 1, text: "needle" },
      ]);
    });

    it("of a bounded length", async () => {
      for (const is_expression of [true, false]) {
        const error = await failureOf(search("expr", "a".repeat(100_000), { is_expression }));
        expect(error).toMatchObject({ code: "invalid", message: expect.stringContaining("4000 characters") });
      }
      for (const glob of [`{${"a,".repeat(300)}b}`.repeat(3), `{${"a,".repeat(100)}b}`, `{${",".repeat(500_000)}`]) {
        expect((await failureOf(search("expr", "a", { glob }))).code).toBe("invalid");
      }
    });

    it("as they are written, with every sign of a shell", async () => {
      await writeText('signs/it\'s $(x) `y` "z".txt', "'$HOME' \"`id`\" \\ ; rm -rf . #\n-e\n");
      const search_ = (pattern: string, options: Partial<FileSearch> = {}) => search("signs", pattern, options);
      expect((await search_("'$HOME' \"`id`\" \\ ; rm -rf . #")).matches).toHaveLength(1);
      expect((await search_("-e", { is_expression: true, glob: "it's $(x)*" })).matches).toMatchObject([
        { path: 'signs/it\'s $(x) `y` "z".txt', line: 2, text: "-e" },
      ]);
      expect((await search_("x", { glob: "-delete" })).matches).toEqual([]);
      expect((await search_("-e")).matches).toHaveLength(1);
    });
  });
}
