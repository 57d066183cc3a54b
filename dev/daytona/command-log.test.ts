import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CommandLog, readStream } from "./sessions.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-log-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it("a log wakes a reader that waits for a change, and releases one that leaves", async () => {
  const log = new CommandLog(join(folder, "waiting"));
  const stays = log.changed(new AbortController().signal);
  await log.append(Buffer.from("\u0001\u0001\u0001a\n"));
  await stays;
  const leaving = new AbortController();
  const left = log.changed(leaving.signal);
  leaving.abort();
  await left;
  const ended = log.changed(new AbortController().signal);
  await log.finish();
  await ended;
  expect(String(await log.read(3, 10))).toBe("a\n");
});

it("a log keeps its beginning, and says that more was printed", async () => {
  const log = new CommandLog(join(folder, "long"));
  const piece = Buffer.alloc(16 * 1024 * 1024, "x");
  for (let count = 0; count < 6; count += 1) await log.append(piece);
  await log.finish();
  expect(log.size).toBeLessThan(65 * 1024 * 1024);
  expect(String(await log.read(log.size - 60, 60))).toMatch(/x.{3}\[what is printed beyond 64 MiB is not kept\]\n$/);
});

it("a mark anywhere switches the stream, and what precedes the first belongs to none", () => {
  const bytes = Buffer.from("lost\u0001\u0001\u0001店\n\u0002\u0002\u0002bad\u0001\u0001\u0001more\u0001\n");
  expect([readStream(bytes, 1), readStream(bytes, 2)]).toEqual(["店\nmore\u0001\n", "bad"]);
});
