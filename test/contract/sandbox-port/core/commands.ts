// The core of the contract for commands: their ids, waits, input and end. The commands use only what the smallest shell
// has: echo (also with >>), cat, pwd, head -n 1, sleep and exit, joined with semicolons.
import { expect, it } from "vitest";
import { failureOf, fixture, ignore, newId, readText, run, sandbox, untilEnd, writeText } from "../fixture.ts";

export function describeCommandCore(): void {
  it("end with the exit code of the command, and return its output", async () => {
    expect(await run("echo one; echo two")).toEqual({ exit_code: 0, output: "one\ntwo\n", omitted_bytes: 0 });
    expect(await run("echo three; exit 3; echo never")).toMatchObject({ exit_code: 3, output: "three\n" });
    expect((await run("no-such-program-at-all")).exit_code).toBe(127);
  });

  it("start in the work dir or in the given folder", async () => {
    const work = (await run("pwd")).output.trim();
    expect(work).toMatch(/^\//);
    await writeText("a folder/子/file", "");
    expect((await run("pwd", { cwd: "a folder/子" })).output.trim()).toBe(`${work}/a folder/子`);
    expect((await run("pwd", { cwd: "/tmp" })).output.trim()).toBe("/tmp");
  });

  it("run once, however often their id is sent", async () => {
    const command_id = newId();
    const command = "echo line >> counter.txt; sleep 0.3; echo done";
    const [first, second] = await Promise.all([run(command, { command_id }), run(command, { command_id })]);
    const third = await run(command, { command_id });
    for (const state of [first, second, third]) expect(state).toMatchObject({ exit_code: 0, output: "done\n" });
    expect(await readText("counter.txt")).toBe("line\n");
  });

  it("are found again by another life while they run", async () => {
    const command_id = newId();
    const command = "echo line >> lives.txt; head -n 1; echo done";
    expect(await run(command, { command_id, wait_ms: 100 })).toMatchObject({ exit_code: null });
    const other = fixture.open("contract").sandbox;
    const found = other.runCommand({ command_id, command, wait_ms: 30_000 }, ignore, untilEnd());
    await sandbox.sendInput(command_id, "go on", untilEnd());
    expect(await found).toMatchObject({ exit_code: 0, output: "go on\ndone\n" });
    expect(await readText("lives.txt")).toBe("line\n");
  });

  it("accept ids of any form", async () => {
    const command_id = "call/中文 ../?#%20'\"";
    expect((await run("echo odd", { command_id })).output).toBe("odd\n");
    expect((await sandbox.readCommand(command_id, untilEnd())).output).toBe("odd\n");
  });

  it("are refused where no shell could run them", async () => {
    expect((await failureOf(run("echo \0"))).code).toBe("invalid");
    expect((await failureOf(run(`echo ${"x".repeat(200_000)}`))).code).toBe("invalid");
  });

  it("return when the wait is over, can be asked again, and are ended from outside", async () => {
    const command_id = newId();
    const begun = await run("echo begun; sleep 300; echo late", { command_id, wait_ms: 400 });
    expect(begun).toMatchObject({ exit_code: null, omitted_bytes: 0 });
    const begins = { exit_code: null, output: "begun\n", omitted_bytes: 0 };
    await expect.poll(() => sandbox.readCommand(command_id, untilEnd())).toEqual(begins);
    await sandbox.terminateCommand(command_id, untilEnd());
    await sandbox.terminateCommand(command_id, untilEnd());
    const ended = await sandbox.readCommand(command_id, untilEnd());
    expect(ended.exit_code).not.toBeNull();
    expect(ended.output).toBe("begun\n");
  });

  it("take a line of input while they run, and none after their end", async () => {
    const command_id = newId();
    await run("head -n 1", { command_id, wait_ms: 100 });
    await sandbox.sendInput(command_id, "世界", untilEnd());
    expect(await run("", { command_id })).toMatchObject({ exit_code: 0, output: "世界\n" });
    expect((await failureOf(sandbox.sendInput(command_id, "more", untilEnd()))).code).toBe("failed");
  });

  it("stop waiting when the signal aborts, and continue in the sandbox", async () => {
    const command_id = newId();
    await run("echo begun; sleep 1; echo went on", { command_id, wait_ms: 100 });
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const request = { command_id, command: "", wait_ms: 30_000 };
    const waiting = sandbox.runCommand(request, ignore, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(await run("", { command_id })).toMatchObject({ exit_code: 0, output: "begun\nwent on\n" });
    await expect(sandbox.listCommands(AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it("are listed as they were given", async () => {
    const command_id = newId();
    await run("exit 4 # it's mine", { command_id });
    const commands = await sandbox.listCommands(untilEnd());
    expect(commands).toContainEqual({ command_id, command: "exit 4 # it's mine", exit_code: 4 });
  });

  it("are unknown when they were never started", async () => {
    expect((await failureOf(sandbox.readCommand("never", untilEnd()))).code).toBe("not_found");
    expect((await failureOf(sandbox.sendInput("never", "x", untilEnd()))).code).toBe("not_found");
  });
}
