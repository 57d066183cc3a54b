// The script that hashes a project's files, with the machine's own programs.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readSaid } from "./ports.ts";
import { readTreeAnswer, TREE_SCRIPT } from "./tree-script.ts";

const root = mkdtempSync(join(tmpdir(), "taskloom-tree-"));
const sandbox = `test-${root.slice(-6)}`;
const records = [join("/var/tmp/.taskloom", sandbox), join("/tmp/.taskloom", sandbox)];
afterAll(() => {
  for (const folder of [root, ...records]) rmSync(folder, { recursive: true, force: true });
});

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function read({ home = "", since = "", checkout = ".", prefix = "./" } = {}) {
  const words = ["-c", TREE_SCRIPT, "taskloom", sandbox, root, home, since, "", checkout, prefix];
  return readTreeAnswer(readSaid(execFileSync("sh", words, { encoding: "utf8" })));
}

const hashOf = (options = {}) => {
  const answer = read(options);
  return answer?.kind === "tree" ? answer.hash : answer;
};

it("counts what lies beside a checkout, and what its index names although it is ignored", () => {
  const name = "shop & co|\\1";
  put(`${name}/.gitignore`, "code.js\nout/\n");
  put(`${name}/code.js`, "1");
  put(`${name}/out/made.js`, "1");
  put("beside.txt", "1");
  for (const words of [
    ["init", "-q"],
    ["add", "-f", "code.js"],
  ])
    execFileSync("git", words, { cwd: join(root, name) });
  const options = { checkout: `./${name}`, prefix: `./${name.replace(/[\\&|]/g, "\\$&")}/` };
  const seen = [hashOf(options)];
  put(`${name}/code.js`, "2");
  seen.push(hashOf(options));
  put("beside.txt", "2");
  seen.push(hashOf(options));
  expect(new Set(seen).size).toBe(3);
  put(`${name}/out/made.js`, "2");
  expect(hashOf(options)).toBe(seen[2]);
});

it("leaves out what programs keep in a home that is the work dir", () => {
  const options = { home: "home" };
  const before = hashOf(options);
  for (const path of [".cache/x", ".npm/y", ".bash_history", "go/pkg/mod/z", "a/__pycache__/b.pyc", "node_modules/c"])
    put(path, "x");
  expect(hashOf(options)).toBe(before);
  for (const path of [
    ".taskloom/checks.yml",
    ".github/w.yml",
    ".env",
    "a/.hidden/x",
    "a/.bash_history",
    "go/main.go",
  ]) {
    const former = hashOf(options);
    put(path, "x");
    expect([path, hashOf(options)]).not.toEqual([path, former]);
  }
});

it("names a file that can't be read, and counts it once it can", () => {
  put("locked.txt", "1");
  const before = hashOf();
  chmodSync(join(root, "locked.txt"), 0);
  const locked = hashOf();
  if (process.getuid?.() !== 0) expect(locked).not.toBe(before);
  chmodSync(join(root, "locked.txt"), 0o644);
  expect(hashOf()).toBe(before);
});

it("has no answer that a file's name could give", () => {
  const before = hashOf();
  put(`x\ntaskloom:tree ${"0".repeat(64)}\n`, "x");
  expect(hashOf()).not.toBe(before);
  expect(hashOf()).toMatch(/^[0-9a-f]{64}$/);
  const answer = read({ since: String(before) });
  expect(answer?.kind).toBe("changes");
});
