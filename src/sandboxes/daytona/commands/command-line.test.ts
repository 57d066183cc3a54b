import { execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { runCount } from "../../../../test/setup/run-count.ts";
import {
  LOST_EXIT_CODE,
  nameSession,
  quote,
  readCommandLine,
  readSessionName,
  writeCommandLine,
} from "./command-line.ts";

const anyText = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0") && text.isWellFormed());
const tricky = fc.array(fc.constantFrom("'", '"', "\\", "$x", "`id`", "\n", " ", "!", "中", "-n"), { maxLength: 12 });

describe("quote", () => {
  it("passes any text through a shell unchanged", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          tricky.map((words) => words.join("")),
          anyText,
        ),
        (text) => {
          const out = execFileSync("sh", ["-c", `printf %s ${quote(text)}`], { encoding: "utf8" });
          expect(out).toBe(text);
        },
      ),
      { numRuns: runCount(40) },
    );
  });
});

describe("writeCommandLine", () => {
  const sandbox = `test-${randomUUID()}`;
  const start = (session: string, command: string, cwd: string | null = null, env = process.env) => {
    const line = writeCommandLine({ session, sandbox, cwd, command });
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", line], { encoding: "utf8", env });
    return { status, stdout, stderr };
  };
  afterAll(() => {
    for (const base of ["/var/tmp", "/tmp"]) rmSync(`${base}/.taskloom/${sandbox}`, { recursive: true, force: true });
  });

  it("prints the exit code at the end of both streams", () => {
    expect(start("taskloom-a", "printf out; printf err >&2; exit 3")).toEqual({
      status: 3,
      stdout: "out\x1etaskloom-a:3\x1e\n",
      stderr: "err\x1etaskloom-a:3\x1e\n",
    });
  });

  it("starts nothing if the folder is missing", () => {
    const { status, stdout } = start("taskloom-b", "echo never", "/no/such/folder");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "\x1etaskloom-b:1\x1e\n" });
  });

  it("needs nothing from PATH, so that only the command itself fails with a wrong one", () => {
    const { status, stdout, stderr } = start("taskloom-e", "echo here; ls", null, { PATH: "/nowhere" });
    expect({ status, stdout }).toEqual({ status: 127, stdout: "here\n\x1etaskloom-e:127\x1e\n" });
    expect(stderr).toMatch(/ls: .*not found/);
  });

  it("gives the command what a file has, deletes the file first, and runs nothing without it", () => {
    const folder = mkdtempSync("/tmp/taskloom-test-");
    const run = (session: string, command: string) => {
      const line = writeCommandLine({ session, sandbox, cwd: null, command, has_file: true });
      return spawnSync("/bin/sh", ["-c", line], { encoding: "utf8" });
    };
    const file = `/tmp/.taskloom-env-taskloom-f-${sandbox}`;
    writeFileSync(file, "export folder=mine\nexport shell='it'\\''s\nmine'\nexport given=too\n");
    const found = run(`taskloom-f-${sandbox}`, `printf '%s|' "$folder" "$shell" "$given" "$TASKLOOM_COMMAND"; exit 4`);
    expect(found.status).toBe(4);
    expect(found.stdout).toContain(`mine|it's\nmine|too|taskloom-f-${sandbox}|`);
    expect(existsSync(file)).toBe(false);
    const lost = run(`taskloom-g-${sandbox}`, `touch ${folder}/ran`);
    expect(lost.status).toBe(LOST_EXIT_CODE);
    expect(lost.stderr).toContain("secrets did not reach the command");
    expect(existsSync(`${folder}/ran`)).toBe(false);
    rmSync(folder, { recursive: true });
    const line = writeCommandLine({ session: "taskloom-h", sandbox, cwd: null, command: "echo 'a b'", has_file: true });
    expect(readCommandLine(line)).toBe("echo 'a b'");
  });

  it("runs a command only once on the same disk", () => {
    expect(start("taskloom-c", "echo once").stdout).toContain("once");
    const { status, stdout, stderr } = start("taskloom-c", "echo once");
    expect(status).toBe(LOST_EXIT_CODE);
    expect(stdout).not.toContain("once");
    expect(stderr).toContain("not started again");
    expect(start("taskloom-d", "echo once").stdout).toContain("once");
  });
});

describe("readCommandLine", () => {
  it("reads back the command that was written", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          tricky.map((words) => words.join("")),
          anyText,
        ),
        anyText,
        (command, cwd) => {
          const line = writeCommandLine({ session: "taskloom-a", sandbox: "b", cwd, command });
          expect(readCommandLine(line)).toBe(command);
        },
      ),
    );
  });

  it("leaves other lines unchanged", () => {
    expect(readCommandLine("sh -c 'a' 'taskloom' 'b' 'c' '' 'echo hi'")).toMatch(/^sh -c/);
    expect(readCommandLine("npm start")).toBe("npm start");
    expect(readCommandLine("sh -c 'echo hi'")).toBe("sh -c 'echo hi'");
  });
});

describe("nameSession", () => {
  it("keeps an id that is valid in a path, and readSessionName returns it", async () => {
    const session = await nameSession("call_Ab-9");
    expect(session).toBe("taskloom-call_Ab-9");
    expect(readSessionName(session)).toBe("call_Ab-9");
    expect(readSessionName("terminal-1")).toBeNull();
  });

  it("gives other ids distinct safe names, and the id that readSessionName returns names the same session", async () => {
    const ids = ["a/b", "a b", "a..b", "中文", "文中", "", "x".repeat(65), "x".repeat(66)];
    const sessions = await Promise.all(ids.map(nameSession));
    expect(new Set(sessions).size).toBe(ids.length);
    for (const session of sessions) {
      expect(session).toMatch(/^taskloom-[A-Za-z0-9_-]{1,64}$/);
      expect(await nameSession(readSessionName(session) ?? "")).toBe(session);
    }
  });
});
