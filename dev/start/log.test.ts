import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Log } from "./log.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-log-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(secrets: string[]): Log {
  const log = new Log(join(folder, "log"));
  log.open(secrets);
  return log;
}

describe("the log", () => {
  it("never contains a secret, even one that arrives in two pieces or is a part of another", async () => {
    const log = open(["sk-1", "sk-1234"]);
    const source = new PassThrough();
    log.follow(source);
    source.write("key sk-1");
    source.write("234 and sk-1\n");
    source.end("end sk-1234");
    await new Promise((resolve) => source.once("close", resolve));
    log.close();
    expect(await readFile(log.path, "utf8")).toBe("key [secret] and [secret]\nend [secret]\n");
    expect(log.tail()).not.toContain("sk-1");
  });

  it("returns its last lines without colours", async () => {
    const log = open([]);
    for (let line = 0; line < 100; line++) log.add(`\u001b[31mline ${line}\u001b[0m`);
    log.close();
    expect(log.tail().split("\n")).toHaveLength(20);
    expect(log.tail().endsWith("line 99")).toBe(true);
  });

  it("leaves the former one alone until it is opened, and then has what came before", async () => {
    open([]).close();
    const log = new Log(join(folder, "log"));
    log.add("early sk-1");
    log.close();
    expect(await readdir(folder)).toEqual(["log"]);
    log.open(["sk-1"]);
    log.add("late");
    log.close();
    expect(await readFile(log.path, "utf8")).toBe("early [secret]\nlate\n");
    expect((await readdir(folder)).sort()).toEqual(["log", "log.1"]);
  });

  it("stays bounded and keeps one older file", async () => {
    const log = open([]);
    const line = "x".repeat(60_000);
    for (let count = 0; count < 200; count++) log.add(line);
    log.close();
    const sizes = await Promise.all([log.path, `${log.path}.1`].map(async (path) => (await readFile(path)).length));
    for (const size of sizes) expect(size).toBeLessThan(4.3 * 1024 * 1024);
  });
});
