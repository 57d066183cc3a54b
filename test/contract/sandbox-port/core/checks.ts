// The core of the contract for where checks run. What a command does is given twice: as a command for a shell, and as
// the deed for a place without one.
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { CheckCommand, CheckPlace, CommandSeen } from "../../../../src/agent/checks/place.ts";
import type { Deed } from "../../../fakes/check-place.ts";
import { failureOf, newId, untilEnd } from "../fixture.ts";

export interface CheckWorld {
  place: CheckPlace;
  /** Tells a place without a shell what the command does. */
  does(run: string, deed: Deed): void;
  write(path: string, text: string): Promise<void>;
  remove(path: string): Promise<void>;
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

export function describeCheckCore(open: () => CheckWorld): void {
  const check = (run: string, deed: Deed, options: Partial<CheckCommand> = {}): Promise<CommandSeen> => {
    open().does(run, deed);
    const request = { command_id: newId(), run, cwd: null, time_limit_ms: 20_000, ...options };
    return open().place.runCommand(request, untilEnd());
  };

  it("returns a command's exit code, output, length and hash", async () => {
    expect(await check("echo one; exit 3", { output: "one\n", exit_code: 3 })).toEqual({
      ...{
        tree: null,
        exit_code: 3,
        output_head: "one\n",
        output_tail: "",
        output_bytes: 4,
        output_hash: hashOf("one\n"),
      },
    });
    expect(await check("true", {})).toMatchObject({ exit_code: 0, output_bytes: 0, output_hash: hashOf("") });
  });

  it("keeps 64 KiB of an output whole, and the two ends of a longer one", async () => {
    const flood = (count: number) => check(`head -c ${count} /dev/zero | tr '\\0' x`, { output: "x".repeat(count) });
    const whole = await flood(65_536);
    expect([whole.output_head.length, whole.output_tail]).toEqual([65_536, ""]);
    const cut = await flood(65_537);
    expect([cut.output_head.length, cut.output_tail.length, cut.output_bytes]).toEqual([32_768, 32_768, 65_537]);
    expect(cut.output_hash).toBe(hashOf("x".repeat(65_537)));
  });

  it("starts a command once for an id, with the tree of whoever started it", async () => {
    const command_id = newId();
    const tree = await open().place.readTree(untilEnd());
    const first = await check("echo once", { output: "once\n" }, { command_id, tree });
    expect(first.tree).toEqual(tree);
    expect(await check("echo other", { output: "other\n" }, { command_id })).toEqual(first);
  });

  it("ends a command at its limit", async () => {
    const seen = await check("echo begun; sleep 300", { output: "begun\n", hangs: true }, { time_limit_ms: 1_000 });
    expect(seen).toMatchObject({ exit_code: null, output_head: "begun\n" });
  });

  it("starts nothing for an id that was ended", async () => {
    const command_id = newId();
    await open().place.endProgram(command_id, untilEnd());
    await open().place.endProgram(command_id, untilEnd());
    expect((await failureOf(check("echo late", {}, { command_id }))).code).toBe("failed");
  });

  it("tells trees apart, and what has changed since one", async () => {
    const { place, write, remove } = open();
    await write("core/a.txt", "a");
    await write("core/b.txt", "b");
    const tree = await place.readTree(untilEnd());
    expect(await place.readTree(untilEnd())).toEqual(tree);
    await write("core/a.txt", "other");
    await remove("core/b.txt");
    await write("core/c.txt", "c");
    expect((await place.readTree(untilEnd())).hash).not.toBe(tree.hash);
    expect(await place.listChanges(tree, untilEnd())).toEqual(["core/a.txt", "core/b.txt", "core/c.txt"]);
    await write("core/a.txt", "a");
    await write("core/b.txt", "b");
    await remove("core/c.txt");
    expect((await place.readTree(untilEnd())).hash).toBe(tree.hash);
    const unknown = { hash: "0".repeat(64), mark: "0".repeat(64) };
    expect((await failureOf(place.listChanges(unknown, untilEnd()))).code).toBe("failed");
  });

  it("reads and hashes files", async () => {
    const { place, write } = open();
    await write("core/text.txt", "中\n");
    expect(await place.readFile("core/text.txt", untilEnd())).toEqual({ hash: hashOf("中\n"), size: 4, text: "中\n" });
    expect(await place.readFile("core/none", untilEnd())).toEqual({ hash: null, size: 0, text: null });
    expect((await failureOf(place.readFile("../../out", untilEnd()))).code).toBe("invalid");
    expect(await place.hashFiles(["core/none", "core/text.txt"], untilEnd())).toEqual([null, hashOf("中\n")]);
  });

  it("starts a program, asks it, and ends it", async () => {
    const { place, does } = open();
    const run = `node -e 'require("http").createServer((q, a) => a.end("hello")).listen(8301)'`;
    does(run, { hangs: true, serves: { "/": { body: "hello" } } });
    const start = (command_id: string, text = run) =>
      place.startProgram({ command_id, run: text, cwd: null, time_limit_ms: 20_000, port: 8301 }, untilEnd());
    const ask = () => place.request({ port: 8301, path: "/", time_limit_ms: 5_000 }, untilEnd());
    expect((await failureOf(ask())).code).toBe("not_found");
    const command_id = newId();
    await start(command_id);
    await start(command_id);
    expect(await ask()).toEqual({ status: 200, body: "hello", body_bytes: 5, body_hash: hashOf("hello") });
    expect(await failureOf(start(newId()))).toMatchObject({
      ...{ code: "not_found", message: expect.stringContaining("already listens") },
    });
    await place.endProgram(command_id, untilEnd());
    expect((await failureOf(ask())).code).toBe("not_found");
    does("echo broken; exit 4", { output: "broken\n", exit_code: 4 });
    expect(await failureOf(start(newId(), "echo broken; exit 4"))).toMatchObject({
      ...{ code: "not_found", message: expect.stringContaining("broken") },
    });
  });

  it("stops waiting when the signal aborts", async () => {
    const reason = new Error("cancelled");
    await expect(open().place.readTree(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
}
