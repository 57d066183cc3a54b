import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
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

it("a mark anywhere switches the stream, wherever a piece ends, and what precedes the first belongs to none", async () => {
  const text = "lost\u0001\u0001\u0001店\n\u0001\u0002\u0002\u0002bad\u0001\u0001\u0001more\u0001\n\u0001\u0001";
  const join = async (length: number, wanted: 1 | 2): Promise<string> => {
    const pieces = Array.from({ length: Math.ceil(text.length / length) }, (_, at) =>
      text.slice(at * length, (at + 1) * length),
    );
    let kept = "";
    for await (const part of readStream(Readable.from(pieces), wanted)) kept += part;
    return kept;
  };
  for (let length = 1; length <= text.length; length++) {
    expect(await join(length, 1)).toBe("店\n\u0001more\u0001\n\u0001\u0001");
    expect(await join(length, 2)).toBe("bad");
  }
});
