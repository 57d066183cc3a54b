// What every sandbox must do, whatever it is made of. An implementation's test file names it and says how to get one.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeCommands, describeLongCommands } from "./commands.ts";
import { describeFiles, describeFolders } from "./files.ts";
import {
  decoder,
  encoder,
  enter,
  failureOf,
  house,
  ignore,
  newId,
  run,
  type SandboxHouse,
  sandbox,
  untilEnd,
  writeText,
} from "./fixture.ts";

export function describeSandbox(name: string, makeHouse: () => Promise<SandboxHouse>): void {
  describe(`the sandbox of ${name}`, { timeout: 60_000 }, () => {
    beforeAll(async () => {
      enter(await makeHouse());
    });
    afterAll(() => house.close());

    describe("commands", describeCommands);
    describe("long commands", describeLongCommands);
    describe("files", describeFiles);
    describe("folders and searches", describeFolders);
    describe("its life", describeLife);
  });
}

function describeLife(): void {
  it("is made at the first call and tells its states once", async () => {
    const { sandbox: fresh, states } = house.open("states");
    expect(states).toEqual([]);
    await Promise.all([fresh.listFiles("", 1, untilEnd()), fresh.listFiles("", 1, untilEnd())]);
    expect(states[0]?.state).toBe("creating");
    expect(states.at(-1)?.state).toBe("started");
    expect(states.filter(({ state }) => state === "started")).toHaveLength(1);
    await fresh.listFiles("", 1, untilEnd());
    expect(states.filter(({ state }) => state === "started")).toHaveLength(1);
  });

  it("is one sandbox for two threads that make it at once", async () => {
    const [one, other] = [house.open("shared").sandbox, house.open("shared").sandbox];
    await Promise.all([
      one.writeFile("one.txt", encoder.encode("1"), untilEnd()),
      other.writeFile("other.txt", encoder.encode("2"), untilEnd()),
    ]);
    expect(decoder.decode(await one.readFile("other.txt", untilEnd()))).toBe("2");
    expect(decoder.decode(await other.readFile("one.txt", untilEnd()))).toBe("1");
  });

  it("is none of another name's", async () => {
    const other = house.open("stranger").sandbox;
    await writeText("secret.txt", "mine");
    expect((await failureOf(other.readFile("secret.txt", untilEnd()))).code).toBe("not_found");
    const command_id = newId();
    await run("echo mine", { command_id });
    expect((await failureOf(other.readCommand(command_id, untilEnd()))).code).toBe("not_found");
    expect((await other.listCommands(untilEnd())).map((command) => command.command_id)).not.toContain(command_id);
  });

  it("is started again when it was stopped, with its files", async () => {
    const { sandbox: stopped, states } = house.open("stopped");
    const request = { command_id: newId(), command: "echo line >> count.txt; echo ran", wait_ms: 30_000 };
    await stopped.runCommand(request, ignore, untilEnd());
    await house.stop("stopped");
    expect(decoder.decode(await stopped.readFile("count.txt", untilEnd()))).toBe("line\n");
    expect(states.at(-1)?.state).toBe("started");
    expect(states.map(({ state }) => state)).toContain("starting");
    await house.stop("stopped");
    const next = { ...request, command_id: newId(), command: "cat count.txt" };
    expect((await stopped.runCommand(next, ignore, untilEnd())).output).toBe("line\n");
  });

  it("is made anew when it was deleted, and says that the files are lost", async () => {
    const { sandbox: deleted, states } = house.open("deleted");
    await deleted.writeFile("old.txt", encoder.encode("old"), untilEnd());
    await house.remove("deleted");
    expect((await failureOf(deleted.readFile("old.txt", untilEnd()))).code).toBe("not_found");
    expect(states.some(({ message }) => message.includes("lost"))).toBe(true);
    expect(deleted.takeNotice?.()).toContain("new");
    expect(deleted.takeNotice?.()).toBeNull();
    const request = { command_id: newId(), command: "echo new", wait_ms: 30_000 };
    expect((await deleted.runCommand(request, ignore, untilEnd())).output).toBe("new\n");
  });

  it("is neither made nor started only to end a command", async () => {
    const { sandbox: absent, states } = house.open("absent");
    expect((await failureOf(absent.terminateCommand("never", untilEnd()))).code).toBe("not_found");
    expect(states).toEqual([]);
    const { sandbox: idle, states: idleStates } = house.open("idle");
    await idle.listFiles("", 1, untilEnd());
    await house.stop("idle");
    expect((await failureOf(idle.terminateCommand("never", untilEnd()))).code).toBe("not_found");
    expect(idleStates.at(-1)?.state).toBe("started");
    expect(idleStates.map(({ state }) => state)).not.toContain("starting");
  });

  it("links to a port once something listens on it", async () => {
    await writeText("site/index.html", "<h1>开张</h1>");
    await run("python3 -m http.server 8123 --directory site >/dev/null 2>&1 &");
    const { url, expires_at } = await sandbox.exposePort(8123, untilEnd());
    expect(url).toMatch(/^https?:\/\//);
    expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    if (house.visit) expect(await house.visit(url)).toContain("开张");
  });

  it("says that nothing listens on a port, and refuses what is no port of the user's", async () => {
    expect(await failureOf(sandbox.exposePort(8999, untilEnd()))).toMatchObject({
      code: "failed",
      message: expect.stringContaining("8999"),
    });
    expect((await failureOf(sandbox.exposePort(2280, untilEnd()))).code).toBe("refused");
    for (const port of [0, -1, 1.5, 70_000])
      expect((await failureOf(sandbox.exposePort(port, untilEnd()))).code).toBe("invalid");
  });
}
