// The scripts that hash what patterns match, in the work tree and in a commit, with the machine's own programs.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { readPattern } from "../../../agent/checks/protected-pattern.ts";
import { COMMITTED_MATCH_SCRIPT } from "./committed-match-script.ts";
import { MATCH_SCRIPT, type MatchAnswer, readMatchAnswer } from "./match-script.ts";
import { readSaid } from "./ports.ts";

const base = mkdtempSync(join(tmpdir(), "taskloom-match-"));
const sandbox = `test-${base.slice(-6)}`;
const records = [join("/var/tmp/.taskloom", sandbox), join("/tmp/.taskloom", sandbox)];
afterAll(() => {
  for (const folder of [base, ...records]) rmSync(folder, { recursive: true, force: true });
});

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");
const env = { PATH: process.env.PATH, HOME: base, GIT_CONFIG_NOSYSTEM: "1" };
let root = "";
let count = 0;

function put(path: string, text = path): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function remove(path: string): void {
  rmSync(join(root, path), { recursive: true });
}

function git(...words: string[]): string {
  const own = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
  return execFileSync("git", [...own, ...words], { cwd: root, env, encoding: "utf8" }).trim();
}

function commit(): string {
  git("init", "-q", "-b", "main");
  git("add", "-A", "-f");
  git("commit", "-qm", "x");
  return git("rev-parse", "HEAD");
}

function ask(script: string, words: string[], [program = "sh", ...before]: string[] = []): MatchAnswer[] {
  const all = [...before, "-c", script, "taskloom", ...words];
  const output = execFileSync(program, all, { encoding: "utf8", env });
  const answer = readMatchAnswer(readSaid(output));
  if (answer?.kind !== "matches") throw new Error(`${JSON.stringify(answer)} of ${output}`);
  return answer.matches.map((each) => ("moment" in each ? { ...each, moment: undefined } : each));
}

function look(pattern: string, since = "", program?: string[]): MatchAnswer | undefined {
  const { base: below, expression } = readPattern(pattern);
  return ask(MATCH_SCRIPT, [sandbox, root, root, join(root, below), expression, since], program)[0];
}

function lookIn(hash: string, ...patterns: string[]): MatchAnswer[] {
  const values = patterns.map(readPattern).flatMap((read) => [read.base, read.expression]);
  return ask(COMMITTED_MATCH_SCRIPT, [sandbox, root, hash, ...values]);
}

const filesOf = (pattern: string) => {
  const answer = look(pattern);
  return answer?.kind === "list" ? answer.files : answer?.kind;
};

beforeEach(() => {
  root = join(base, `shop & co|\\${++count}`);
  mkdirSync(root);
  for (const path of ["test/a.test.js", "test/b.test.js", "test/deep/c.test.js", "test/help.js", "src/a.js"]) put(path);
});

describe("what a pattern matches", () => {
  it.each([
    ["test", 4],
    ["test/", 4],
    ["test/**", 4],
    ["test/*", 4],
    ["./test//", 4],
    ["te?t/", 4],
    ["*/", 5],
    ["**", 5],
    [".", 5],
    ["test/*.test.js", 2],
    ["test/**/*.test.js", 3],
    ["**/*.test.js", 3],
    ["**/deep", 1],
    ["*/deep/", 1],
    ["**/a*.js", 2],
    ["test/a.test.j?", 1],
    ["test/?.test.js", 2],
    ["test/a.test.js", "file"],
    ["test/a.test.js/", "file"],
    ["tset/", "none"],
    ["tset/**/*.js", "none"],
    ["test/a.test.js/*", "none"],
    ["test/a_test.js", "none"],
    ["test/{a,b}.test.js", "none"],
    ["test/[ab].test.js", "none"],
    ["test/*.test.js\n.*", "none"],
    ["*.test.js", "none"],
  ])("%j is %s", (pattern, found) => {
    expect(filesOf(pattern)).toBe(found);
  });

  it("has names in any script and with signs of an expression, and a question mark is one character", () => {
    for (const path of [
      "spec/测试一.js",
      "spec/a+b (1).js",
      "spec/[id].js",
      "spec/^$.js",
      "spec/{x}|y.js",
      "spec/-n.js",
    ])
      put(path);
    expect(filesOf("spec")).toBe(6);
    expect(filesOf("spec/测试?.js")).toBe(1);
    expect(filesOf("spec/a+b (?).js")).toBe(1);
    for (const name of ["[id]*.js", "^$*.js", "{x}|y*.js", "-n*.js"])
      expect([name, filesOf(`spec/${name}`)]).toEqual([name, 1]);
  });

  it("is one file's own hash, also through a link to it", () => {
    expect(look("test/a.test.js")).toEqual({ kind: "file", hash: hashOf("test/a.test.js") });
    symlinkSync("a.test.js", join(root, "test/link.js"));
    expect(look("test/link.js")).toEqual({ kind: "file", hash: hashOf("test/a.test.js") });
    put("test/a.test.js", "changed");
    expect(look("test/link.js")).toEqual({ kind: "file", hash: hashOf("changed") });
  });
});

describe("a hash of matches", () => {
  const changes: [string, () => void, string][] = [
    ["a changed file", () => put("test/deep/c.test.js", "x"), "test/deep/c.test.js"],
    ["an added file", () => put("test/new.js"), "test/new.js"],
    ["a hidden file", () => put("test/.mocharc.json"), "test/.mocharc.json"],
    ["a file in node_modules", () => put("test/node_modules/assert/index.js"), "test/node_modules/assert/index.js"],
    ["a compiled module", () => put("test/__pycache__/a.pyc"), "test/__pycache__/a.pyc"],
    ["a file in .git", () => put("test/.git/config"), "test/.git/config"],
    ["a removed file", () => remove("test/help.js"), "test/help.js"],
    ["a removed folder", () => remove("test/deep"), "test/deep/c.test.js"],
  ];
  it.each(changes)("changes with %s, and the list of before names it", (_what, change, name) => {
    put(".gitignore", "*\n");
    const before = look("test/");
    if (before?.kind !== "list") throw new Error("no list");
    expect(look("test", before.hash)).toEqual(before);
    change();
    const after = look("test/", before.hash);
    expect(after).toMatchObject({ kind: "list", altered: [name.slice("test/".length)] });
    expect(after).not.toHaveProperty("hash", before.hash);
  });

  it("changes with a file that takes another's name or place, and not with what lies outside", () => {
    const before = look("test/");
    put("test/a.test.js", "test/b.test.js");
    put("test/b.test.js", "test/a.test.js");
    expect(look("test/")).not.toEqual(before);
    put("test/a.test.js");
    put("test/b.test.js");
    put("src/other.js");
    expect(look("test/")).toEqual(before);
  });

  it("names nothing by a list that was tampered with, or is gone", () => {
    const before = look("test/");
    if (before?.kind !== "list") throw new Error("no list");
    put("test/a.test.js", "x");
    for (const folder of records)
      try {
        writeFileSync(join(folder, "protected", before.hash), "forged\tname\n");
      } catch {}
    expect(look("test/", before.hash)).toMatchObject({ kind: "list", altered: [] });
  });
});

describe("what can't be protected", () => {
  it("is a folder with a link, with what is no file, with names that end lines, and one that is too large", () => {
    const bad: [() => void, () => void][] = [
      [() => symlinkSync("../src/a.js", join(root, "test/link.js")), () => remove("test/link.js")],
      [() => symlinkSync("../src", join(root, "test/more")), () => remove("test/more")],
      [() => symlinkSync("/etc", join(root, "test/etc")), () => remove("test/etc")],
      [() => void execFileSync("mkfifo", [join(root, "test/pipe")]), () => remove("test/pipe")],
      [() => put("test/a\nb.js"), () => remove("test/a\nb.js")],
      [() => put("test/a\\b.js"), () => remove("test/a\\b.js")],
      [() => put("test/a\u0001b.js"), () => remove("test/a\u0001b.js")],
      [
        () => {
          put("test/large");
          truncateSync(join(root, "test/large"), 64 * 1024 * 1024);
        },
        () => remove("test/large"),
      ],
    ];
    const before = look("test/");
    expect(before?.kind).toBe("list");
    for (const [make, undo] of bad) {
      make();
      expect(look("test/")?.kind).toBe("many");
      undo();
      expect(look("test/")).toEqual(before);
    }
  });

  it("is more than 5,000 files, and one file of more than 64 MiB", () => {
    mkdirSync(join(root, "many"));
    for (let at = 0; at < 5_000; at++) writeFileSync(join(root, `many/${at}`), "");
    expect(look("many/")).toMatchObject({ kind: "list", files: 5_000 });
    put("many/more");
    expect(look("many/")).toEqual({ kind: "many", files: 5_001 });
    put("large");
    truncateSync(join(root, "large"), 64 * 1024 * 1024 + 1);
    expect(look("large")).toEqual({ kind: "many", files: 1 });
  });

  it("is outside of the project, or leads there", () => {
    symlinkSync("/etc", join(root, "etc"));
    symlinkSync("test", join(root, "spec"));
    expect(look("etc")).toEqual({ kind: "many", files: 1 });
    expect(look("etc/*.conf")).toEqual({ kind: "many", files: 1 });
    expect(look("spec")).toEqual(look("test"));
    expect(ask(MATCH_SCRIPT, [sandbox, root, root, "/etc", "", ""])).toEqual([{ kind: "many", files: 1 }]);
  });

  // Root reads every folder, unless it has no more rights than others.
  const isRoot = process.getuid?.() === 0;
  const plain = isRoot ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "sh"] : ["sh"];

  it.each(["test/", "test/**/*.js", "**/*.test.js"])(
    "%s is what a folder that can't be listed lies below",
    (pattern) => {
      const before = look(pattern, "", plain);
      expect(before?.kind).toBe("list");
      put("test/node_modules/assert/index.js");
      for (const mode of [0o311, 0o444, 0]) {
        chmodSync(join(root, "test/node_modules"), mode);
        expect(look(pattern, "", plain)?.kind).toBe("many");
      }
      chmodSync(join(root, "test/node_modules"), 0o755);
      remove("test/node_modules");
      expect(look(pattern, "", plain)).toEqual(before);
    },
  );
});

describe("in a commit", () => {
  it("equal files have the hash that they have in the work tree", () => {
    put(".gitattributes", "* text eol=crlf ident export-ignore\n");
    put("test/$Id$ é.js", "one\ntwo $Id$\n");
    const hash = commit();
    const patterns = ["test", "test/**/*.test.js", "**/*.js", ".", "src/a.js", "tset/", "test/a.test.js/*", "te?t/"];
    expect(lookIn(hash, ...patterns)).toEqual(
      patterns
        .filter((each) => each !== ".")
        .map((each) => look(each))
        .toSpliced(3, 0, expect.objectContaining({ files: 7 })),
    );
  });

  it("what was changed since in files, index and names counts for nothing", () => {
    const hash = commit();
    const before = lookIn(hash, "test/", "test/a.test.js");
    put("test/a.test.js", "changed");
    put("test/new.js");
    commit();
    git("replace", "-f", hash, "HEAD");
    expect(lookIn(hash, "test/", "test/a.test.js")).toEqual(before);
  });

  it("a forged object is not believed", () => {
    const hash = commit();
    const blob = git("rev-parse", `${hash}:test/a.test.js`);
    const other = git("rev-parse", `${hash}:test/help.js`);
    const path = (id: string) => join(root, ".git/objects", id.slice(0, 2), id.slice(2));
    chmodSync(path(blob), 0o644);
    execFileSync("cp", ["-f", path(other), path(blob)]);
    expect(() => lookIn(hash, "test/")).toThrow("stuck");
    expect(() => lookIn(hash, "test/a.test.js")).toThrow("stuck");
    expect(lookIn(hash, "src/")).toMatchObject([{ kind: "list", files: 1 }]);
    const tree = git("rev-parse", `${hash}:test/deep`);
    const src = git("rev-parse", `${hash}:src`);
    chmodSync(path(tree), 0o644);
    execFileSync("cp", ["-f", path(src), path(tree)]);
    expect(() => lookIn(hash, "test/")).toThrow("stuck");
  });

  it("links and repositories within can't be protected, and without a commit there is nothing", () => {
    symlinkSync("help.js", join(root, "test/link.js"));
    symlinkSync("test", join(root, "spec"));
    const hash = commit();
    expect(lookIn(hash, "test/", "test/*.test.js", "test/link.js", "spec")).toEqual([
      { kind: "many", files: 5 },
      expect.objectContaining({ kind: "list", files: 2 }),
      { kind: "many", files: 1 },
      { kind: "many", files: 1 },
    ]);
    expect(lookIn("", "test/", "src/a.js")).toEqual([{ kind: "none" }, { kind: "none" }]);
    expect(() => lookIn("0".repeat(40), "test/")).toThrow("stuck");
  });

  it("packed objects are found, and a large file is not copied", () => {
    put("big/data");
    truncateSync(join(root, "big/data"), 65 * 1024 * 1024);
    const hash = commit();
    git("gc", "-q");
    expect(lookIn(hash, "test/", "big/")).toEqual([look("test/"), { kind: "many", files: 1 }]);
  });
});
