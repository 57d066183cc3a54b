// The core of the contract for a sandbox's life: create, share, stop, delete.
import { expect, it } from "vitest";
import { decoder, encoder, failureOf, fixture, ignore, newId, run, untilEnd, writeText } from "../fixture.ts";

export function describeLifeCore(): void {
  it("begins at the first call and sends its states once", async () => {
    const { sandbox: fresh, states } = fixture.open("states");
    expect(states).toEqual([]);
    await Promise.all([fresh.listFiles("", 1, untilEnd()), fresh.listFiles("", 1, untilEnd())]);
    expect(states[0]?.state).toBe("creating");
    expect(states.at(-1)?.state).toBe("started");
    expect(states.filter(({ state }) => state === "started")).toHaveLength(1);
    await fresh.listFiles("", 1, untilEnd());
    expect(states.filter(({ state }) => state === "started")).toHaveLength(1);
  });

  it("is one sandbox for two threads that create it at once", async () => {
    const [one, other] = [fixture.open("shared").sandbox, fixture.open("shared").sandbox];
    await Promise.all([
      one.writeFile("one.txt", encoder.encode("1"), untilEnd()),
      other.writeFile("other.txt", encoder.encode("2"), untilEnd()),
    ]);
    expect(decoder.decode(await one.readFile("other.txt", untilEnd()))).toBe("2");
    expect(decoder.decode(await other.readFile("one.txt", untilEnd()))).toBe("1");
  });

  it("is separate from that of another name", async () => {
    const other = fixture.open("stranger").sandbox;
    await writeText("secret.txt", "mine");
    expect((await failureOf(other.readFile("secret.txt", untilEnd()))).code).toBe("not_found");
    const command_id = newId();
    await run("echo mine", { command_id });
    expect((await failureOf(other.readCommand(command_id, untilEnd()))).code).toBe("not_found");
    expect((await other.listCommands(untilEnd())).map((command) => command.command_id)).not.toContain(command_id);
  });

  it("continues after a stop, with the files", async () => {
    const { sandbox: stopped, states } = fixture.open("stopped");
    const request = { command_id: newId(), command: "echo line >> count.txt; echo ran", wait_ms: 30_000 };
    await stopped.runCommand(request, ignore, untilEnd());
    await fixture.stop("stopped");
    expect(decoder.decode(await stopped.readFile("count.txt", untilEnd()))).toBe("line\n");
    expect(states.at(-1)?.state).toBe("started");
    expect(states.map(({ state }) => state)).toContain("starting");
    await fixture.stop("stopped");
    const next = { ...request, command_id: newId(), command: "cat count.txt" };
    expect((await stopped.runCommand(next, ignore, untilEnd())).output).toBe("line\n");
  });

  it("begins anew after a deletion, and the states report that the files are lost", async () => {
    const { sandbox: deleted, states } = fixture.open("deleted");
    await deleted.writeFile("old.txt", encoder.encode("old"), untilEnd());
    await fixture.remove("deleted");
    expect((await failureOf(deleted.readFile("old.txt", untilEnd()))).code).toBe("not_found");
    expect(states.some(({ message }) => message.includes("lost"))).toBe(true);
    expect(deleted.takeNotice?.()).toContain("new");
    expect(deleted.takeNotice?.()).toBeNull();
    const request = { command_id: newId(), command: "echo new", wait_ms: 30_000 };
    expect((await deleted.runCommand(request, ignore, untilEnd())).output).toBe("new\n");
  });

  it("does not begin only to end a command", async () => {
    const { sandbox: absent, states } = fixture.open("absent");
    expect((await failureOf(absent.terminateCommand("never", untilEnd()))).code).toBe("not_found");
    expect(states).toEqual([]);
    const { sandbox: idle, states: idleStates } = fixture.open("idle");
    await idle.listFiles("", 1, untilEnd());
    await fixture.stop("idle");
    expect((await failureOf(idle.terminateCommand("never", untilEnd()))).code).toBe("not_found");
    expect(idleStates.at(-1)?.state).toBe("started");
    expect(idleStates.map(({ state }) => state)).not.toContain("starting");
  });
}
