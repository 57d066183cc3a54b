import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCount } from "../../test/setup/run-count.ts";
import { CommandLog, maxLogBytes, Separator, type StreamName } from "./sessions.ts";

/** Reads both streams in pieces of the given size. */
async function separateLog(log: CommandLog, pieceBytes: number): Promise<Record<StreamName, string>> {
  const separator = new Separator();
  const found = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (let position = 0; position < log.size; position += pieceBytes) {
    const isLast = position + pieceBytes >= log.size;
    const piece = await log.read(position, pieceBytes);
    for (const { stream, data } of separator.push(piece, isLast)) found[stream].push(data);
  }
  return { stdout: Buffer.concat(found.stdout).toString(), stderr: Buffer.concat(found.stderr).toString() };
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-log-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const prefixes = ["\u0001\u0001\u0001", "\u0002\u0002\u0002"];
const stream = fc.constantFrom<StreamName>("stdout", "stderr");
const text = fc
  .array(fc.constantFrom("a", "商", "\n", "\n\n", " "), { minLength: 1, maxLength: 8 })
  .map((t) => t.join(""));

describe("CommandLog", () => {
  it("returns both streams as they were written, in whatever order and pieces", async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(stream, text), { maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (writes, pieceBytes) => {
          number += 1;
          const log = new CommandLog(join(folder, String(number)));
          await Promise.all(writes.map(([name, data]) => log.append(name, Buffer.from(data))));
          await log.finish();
          const joined = (wanted: StreamName): string =>
            writes.flatMap(([name, data]) => (name === wanted ? [data] : [])).join("");
          const output = (await log.read(0, log.size)).toString();
          expect(await separateLog(log, pieceBytes)).toEqual({ stdout: joined("stdout"), stderr: joined("stderr") });
          for (const line of output.split("\n").slice(0, -1)) expect(prefixes).toContain(line.slice(0, 3));
        },
      ),
      { numRuns: runCount(50) },
    );
  });

  it("wakes a reader that waits for a change, and releases one that leaves", async () => {
    const log = new CommandLog(join(folder, "waiting"));
    const stays = log.changed(new AbortController().signal);
    const leaver = new AbortController();
    const leaves = log.changed(leaver.signal);
    leaver.abort();
    await leaves;
    await log.append("stdout", Buffer.from("x"));
    await stays;
    await log.finish();
  });
});

describe("CommandLog past its limit", () => {
  it("keeps the beginning and the true end, and counts the bytes dropped in between", async () => {
    const log = new CommandLog(join(folder, "flood"));
    await log.append("stdout", Buffer.from("HEAD\n"));
    const line = Buffer.from(`${"x".repeat(1023)}\n`);
    const block = Buffer.concat(Array.from({ length: 8192 }, () => line));
    let written = 5;
    for (let round = 0; round < 9; round += 1, written += block.length) await log.append("stdout", block);
    await log.append("stderr", Buffer.from("last words\n"));
    await log.append("stdout", Buffer.from("TAIL\n"));
    written += 16;
    await log.finish();
    expect(log.size).toBeLessThanOrEqual(maxLogBytes);
    const { stdout, stderr } = await separateLog(log, 1_000_000);
    expect(stdout.startsWith("HEAD\nxxx")).toBe(true);
    expect(stdout.endsWith("x\nTAIL\n")).toBe(true);
    const [, notice = "", omitted] = /^(\n\[(\d+) bytes are not kept\]\n)last words\n$/.exec(stderr) ?? [];
    expect(stdout.length + stderr.length - notice.length + Number(omitted)).toBe(written);
  });

  it("stays within the limit when every byte is a line", async () => {
    const log = new CommandLog(join(folder, "lines"));
    const feeds = Buffer.alloc(8 * 1024 * 1024, "\n");
    for (let round = 0; round < 3; round += 1) await log.append("stdout", feeds);
    await log.finish();
    expect(log.size).toBeLessThanOrEqual(maxLogBytes);
  }, 120_000);
});

describe("Separator", () => {
  it("drops bytes before the first prefix, as the SDK does", () => {
    const pieces = new Separator().push(Buffer.from("lost\u0001\u0001\u0001out\u0002\u0002\u0002err"), true);
    expect(pieces.map(({ stream, data }) => `${stream}:${data}`)).toEqual(["stdout:out", "stderr:err"]);
  });
});
