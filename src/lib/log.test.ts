import { afterEach, expect, it, vi } from "vitest";
import { describeError, logError, logWarning } from "./log.ts";

afterEach(() => vi.restoreAllMocks());

it("describeError returns the message of the innermost cause alone, in one bounded line", () => {
  const cause = new TypeError(`first\nsecond ${"x".repeat(1000)}`);
  const text = describeError(new Error("quotes values", { cause: new Error("so does this", { cause }) }));
  expect(text).toMatch(/^TypeError: first second x+$/);
  expect(text.length).toBeLessThanOrEqual(500);
  expect(describeError("a thrown text may be anything")).toBe("string");
});

it("logWarning and logError write one JSON line per event", () => {
  const lines: string[] = [];
  vi.spyOn(console, "warn").mockImplementation((line) => void lines.push(line));
  vi.spyOn(console, "error").mockImplementation((line) => void lines.push(line));
  logWarning("job_retried", { attempts: 2, reason: "a\nb" });
  logError("sweep_failed", new Error("down"), {});
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: "warning", event: "job_retried", attempts: 2, reason: "a\nb" },
    { level: "error", event: "sweep_failed", error: "Error: down" },
  ]);
  expect(lines.join("")).not.toContain("\n");
});
