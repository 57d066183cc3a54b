// The script that reads files of a commit, with the machine's own programs, in repositories that were tampered with.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { COMMITTED_SCRIPT, readCommittedAnswer } from "./committed-script.ts";
import { readSaid } from "./ports.ts";

const base = mkdtempSync(join(tmpdir(), "taskloom-committed-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const FILE = ".taskloom/checks.yml";
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");
const env = { PATH: process.env.PATH, HOME: base, GIT_CONFIG_NOSYSTEM: "1" };
let root = "";
let count = 0;

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function git(...words: string[]): string {
  const own = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
  return execFileSync("git", [...own, ...words], { cwd: root, env, encoding: "utf8" }).trim();
}

function commit(): string {
  git("add", "-A");
  git("commit", "-qm", "x");
  return git("rev-parse", "HEAD");
}

function read(hash: string, paths = [FILE]) {
  const words = ["-c", COMMITTED_SCRIPT, "taskloom", root, hash, "65536", ...paths];
  return readCommittedAnswer(readSaid(execFileSync("sh", words, { encoding: "utf8", env })));
}

function readText(hash: string): string | null {
  const answer = read(hash);
  if (answer?.kind !== "files") return answer?.kind ?? null;
  const [found] = answer.files;
  return found?.file ? Buffer.from(found.file.text, "base64").toString() : null;
}

beforeEach(() => {
  root = join(base, `shop & co|\\${++count}`);
  mkdirSync(root);
  git("init", "-q", "-b", "main");
  put(FILE, "version: 1\ntest: npm test\n");
  put("a/b/c.ts", "1");
});

describe("a file of a commit", () => {
  it("is read with its hash and that of the file as it is now", () => {
    const first = commit();
    put(FILE, "version: 1\n");
    rmSync(join(root, "a"), { recursive: true });
    expect(read(first, [FILE, "a/b/c.ts", "a/b", "none/x", "a/b/c.ts/d"])).toEqual({
      kind: "files",
      files: [
        {
          file: { size: 26, hash: hashOf("version: 1\ntest: npm test\n"), text: expect.any(String) },
          now: hashOf("version: 1\n"),
        },
        { file: { size: 1, hash: hashOf("1"), text: Buffer.from("1").toString("base64") }, now: null },
        { file: null, now: null },
        { file: null, now: null },
        { file: null, now: null },
      ],
    });
    expect(readText(first)).toBe("version: 1\ntest: npm test\n");
  });

  it("is that of the named commit, whatever was committed, moved and checked out since", () => {
    const first = commit();
    put(FILE, "version: 1\ntest: 'true'\n");
    const second = commit();
    git("reset", "-q", "--hard", second);
    git("update-ref", "refs/heads/main", second);
    expect(readText(first)).toBe("version: 1\ntest: npm test\n");
    expect(readText(second)).toBe("version: 1\ntest: 'true'\n");
    git("gc", "-q");
    expect(readText(first)).toBe("version: 1\ntest: npm test\n");
  });

  it("is not the one that somebody has put in its place", () => {
    const first = commit();
    const blob = git("rev-parse", `${first}:${FILE}`);
    put(FILE, "version: 1\ntest: 'true'\n");
    const second = commit();
    const other = git("rev-parse", `${second}:${FILE}`);
    git("replace", blob, other);
    git("replace", first, second);
    expect(readText(first)).toBe("version: 1\ntest: npm test\n");
    for (const id of [blob, git("--no-replace-objects", "rev-parse", `${first}^{tree}`), first]) {
      const path = join(root, ".git/objects", id.slice(0, 2), id.slice(2));
      chmodSync(path, 0o644);
      const kept = execFileSync("cat", [path]);
      writeFileSync(path, deflateSync(Buffer.from("blob 24\0version: 1\ntest: 'true'\n")));
      expect(read(first)?.kind, id).toBe("stuck");
      writeFileSync(path, kept);
    }
    expect(readText(first)).toBe("version: 1\ntest: npm test\n");
  });

  it("is none where it is a link, a folder or a submodule, and the commit is lost where it is gone", () => {
    rmSync(join(root, FILE));
    symlinkSync("/etc/passwd", join(root, FILE));
    expect(readText(commit())).toBeNull();
    rmSync(join(root, FILE));
    put(`${FILE}/x`, "1");
    const hash = commit();
    expect(readText(hash)).toBeNull();
    expect(read("0".repeat(40))).toEqual({ kind: "stuck", what: `the commit ${"0".repeat(40)} is not there any more` });
    rmSync(join(root, ".git"), { recursive: true });
    expect(read(hash)?.kind).toBe("stuck");
  });

  it("runs nothing that the repository's settings name", () => {
    const hash = commit();
    put("evil.sh", `#!/bin/sh\ntouch '${base}/ran'\n`);
    chmodSync(join(root, "evil.sh"), 0o755);
    for (const name of ["core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook", "core.alternateRefsCommand"])
      git("config", name, join(root, "evil.sh"));
    git("config", "filter.x.smudge", join(root, "evil.sh"));
    put(".gitattributes", "* filter=x\n");
    expect(readText(hash)).toBe("version: 1\ntest: npm test\n");
    expect(readdirSync(base)).not.toContain("ran");
  });

  it("is read without a commit as what is there now", () => {
    commit();
    expect(read("")).toEqual({ kind: "files", files: [{ file: null, now: hashOf("version: 1\ntest: npm test\n") }] });
  });

  it("is not shown if it is too large, and an answer that ends early is none", () => {
    put(FILE, "x".repeat(70_000));
    const answer = read(commit());
    expect(answer).toMatchObject({ files: [{ file: { size: 70_000, text: "" } }] });
    expect(readCommittedAnswer(readSaid("\ntaskloom:committed\nnone none\n"))).toBeNull();
    expect(readCommittedAnswer(readSaid("\ntaskloom:committed\nnonsense\nend\n"))).toBeNull();
    expect(readCommittedAnswer(readSaid(""))).toBeNull();
  });

  it("is read in repositories with SHA-256", () => {
    rmSync(join(root, ".git"), { recursive: true });
    git("init", "-q", "--object-format=sha256");
    expect(readText(commit())).toBe("version: 1\ntest: npm test\n");
  });
});
