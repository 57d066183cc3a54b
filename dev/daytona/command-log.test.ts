import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandLog, readLog, type StreamName, separate } from "./command-log.ts";

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
  it("gives both streams back as they were written, whatever their order and cuts", async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(stream, text), { maxLength: 12 }), async (writes) => {
        number += 1;
        const log = new CommandLog(join(folder, String(number)));
        await Promise.all(writes.map(([name, data]) => log.append(name, Buffer.from(data))));
        await log.finish();
        const joined = (wanted: StreamName): string =>
          writes.flatMap(([name, data]) => (name === wanted ? [data] : [])).join("");
        const { output, stdout, stderr } = await readLog(log);
        expect({ stdout, stderr }).toEqual({ stdout: joined("stdout"), stderr: joined("stderr") });
        for (const line of output.split("\n").slice(0, -1)) expect(prefixes).toContain(line.slice(0, 3));
      }),
      { numRuns: 50 },
    );
  });

  it("wakes who waits for a change, and lets go of who leaves", async () => {
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

describe("separate", () => {
  it("drops bytes before the first prefix, as the SDK does", () => {
    const { stdout, stderr } = separate(Buffer.from("lost\u0001\u0001\u0001out\u0002\u0002\u0002err"));
    expect([stdout.toString(), stderr.toString()]).toEqual(["out", "err"]);
  });
});
