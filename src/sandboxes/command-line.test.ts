import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameSession, quote, readCommandLine, readSessionName, writeCommandLine } from "./command-line.ts";

const anyText = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0") && text.isWellFormed());
const tricky = fc.array(fc.constantFrom("'", '"', "\\", "$x", "`id`", "\n", " ", "!", "中", "-n"), { maxLength: 12 });

describe("quote", () => {
  it("gives a shell the text as it is", () => {
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
      { numRuns: 40 },
    );
  });
});

describe("readCommandLine", () => {
  it("gives back the command that was written", () => {
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

  it("leaves a line of someone else alone", () => {
    expect(readCommandLine("npm start")).toBe("npm start");
    expect(readCommandLine("sh -c 'echo hi'")).toBe("sh -c 'echo hi'");
  });
});

describe("nameSession", () => {
  it("keeps an id that can stand in a path, and finds it again", async () => {
    const session = await nameSession("call_Ab-9");
    expect(session).toBe("taskloom-call_Ab-9");
    expect(readSessionName(session)).toBe("call_Ab-9");
    expect(readSessionName("terminal-1")).toBeNull();
  });

  it("gives other ids distinct safe names, and what it tells of them names the same session", async () => {
    const ids = ["a/b", "a b", "a..b", "中文", "文中", "", "x".repeat(65), "x".repeat(66)];
    const sessions = await Promise.all(ids.map(nameSession));
    expect(new Set(sessions).size).toBe(ids.length);
    for (const session of sessions) {
      expect(session).toMatch(/^taskloom-[A-Za-z0-9_-]{1,64}$/);
      expect(await nameSession(readSessionName(session) ?? "")).toBe(session);
    }
  });
});
