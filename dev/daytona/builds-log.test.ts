import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { BuildLog, BuildLogs } from "./builds.ts";

async function readAll(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

it("a build log gives each follower the complete text, however late it joins and wherever a character was cut", async () => {
  const log = new BuildLog();
  const early = readAll(log.follow(new AbortController().signal));
  const letters = Buffer.from("äöü");
  log.write(letters.subarray(0, 3));
  const middle = readAll(log.follow(new AbortController().signal));
  log.write(letters.subarray(3));
  log.end();
  log.write("too late");
  const late = readAll(log.follow(new AbortController().signal));
  expect(await Promise.all([early, middle, late])).toEqual(["äöü", "äöü", "äöü"]);
});

it("a build log releases a follower that leaves", async () => {
  const log = new BuildLog();
  const gone = new AbortController();
  const reading = readAll(log.follow(gone.signal));
  gone.abort();
  expect(await reading).toBe("");
});

it("a build log is bounded, says that it was cut, and can be read after it is closed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-log-"));
  const path = join(folder, "build.log");
  const logs = new BuildLogs();
  const log = logs.begin(path);
  expect(logs.begin(path)).toBe(log);
  for (let n = 0; n < 40; n += 1) log.write("x".repeat(50_000));
  await logs.finish(path);
  const kept = await readAll(logs.read(path, true, new AbortController().signal));
  expect(kept.length).toBeLessThan(1024 * 1024 + 100);
  expect(kept).toMatch(/x\n\[the log beyond 1 MiB is not kept\]\n$/);
  expect(await readAll(logs.read(join(folder, "none"), true, new AbortController().signal))).toBe("");
  await rm(folder, { recursive: true });
});
