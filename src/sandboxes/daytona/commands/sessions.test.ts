// A thousand commands in sequence: each has a session of the daemon, which keeps a shell open, so few sessions may
// stay.
import { DaytonaConflictError, DaytonaInternalServerError, DaytonaNotFoundError } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import type { DaytonaConnection } from "../client/connection.ts";
import { loadSdk } from "../client/sdk.ts";
import { COMMAND_VARIABLE } from "./command-line.ts";
import { DaytonaSessions } from "./sessions.ts";

await loadSdk();
const { signal } = new AbortController();
const KEPT = 64;

/** A daemon whose commands end at once. A name with "run" keeps running; one with "server" leaves a process behind. */
class FakeDaemon {
  readonly sessions = new Map<string, { id: string; command: string; exitCode?: number }[]>();
  most = 0;

  readonly process = {
    createSession: async (name: string) => {
      if (this.sessions.has(name)) throw new DaytonaConflictError("it exists", 409);
      this.sessions.set(name, []);
      this.most = Math.max(this.most, this.sessions.size);
    },
    executeSessionCommand: async (name: string, { command }: { command: string }) => {
      const id = `id of ${name}`;
      this.sessions.get(name)?.push({ id, command, ...(name.includes("run") ? {} : { exitCode: 0 }) });
      return { cmdId: id };
    },
    getSession: async (name: string) => ({ sessionId: name, commands: this.sessions.get(name) }),
    listSessions: async () => [...this.sessions].map(([sessionId, commands]) => ({ sessionId, commands })).reverse(),
    deleteSession: async (name: string) => {
      if (!this.sessions.delete(name)) throw new DaytonaNotFoundError("there is none", 404);
    },
    executeCommand: async (command: string) => {
      expect(command).toContain(COMMAND_VARIABLE);
      return { exitCode: 0, result: [...this.sessions.keys()].filter((name) => name.includes("server")).join("\n") };
    },
  };

  sessionsOf(): DaytonaSessions {
    const call = (work: (sandbox: unknown) => Promise<unknown>) => work({ id: "box", process: this.process });
    return new DaytonaSessions({ call } as unknown as DaytonaConnection, KEPT);
  }
}

async function startAll(sessions: DaytonaSessions, names: string[]): Promise<void> {
  for (const name of names) {
    await sessions.start(`taskloom-${name}`, () => `echo ${name}`, signal);
    await sessions.clean(signal);
  }
}

const count = (number: number, word: string) => Array.from({ length: number }, (_, place) => `${word}-${place}`);

describe("sessions of commands", () => {
  it("are limited over a thousand commands, and the newest stay", async () => {
    const daemon = new FakeDaemon();
    await startAll(daemon.sessionsOf(), count(1_000, "call"));
    expect(daemon.most).toBeLessThanOrEqual(2 * KEPT);
    expect([...daemon.sessions.keys()]).toContain("taskloom-call-999");
    expect([...daemon.sessions.keys()]).not.toContain("taskloom-call-0");
  });

  it("are limited over many lives that each start few commands", async () => {
    const daemon = new FakeDaemon();
    for (let life = 0; life < 100; life++) await startAll(daemon.sessionsOf(), count(10, `life-${life}`));
    expect(daemon.most).toBeLessThanOrEqual(2 * KEPT);
  });

  it("are never removed from a running command, a server in the background, or a person", async () => {
    const daemon = new FakeDaemon();
    await daemon.process.createSession("a person's own");
    const sessions = daemon.sessionsOf();
    await startAll(sessions, [...count(5, "run"), ...count(5, "server"), ...count(300, "call")]);
    const left = [...daemon.sessions.keys()];
    expect(left).toContain("a person's own");
    for (const name of [...count(5, "run"), ...count(5, "server")]) expect(left).toContain(`taskloom-${name}`);
  });
});

describe("a daemon of 0.190", () => {
  const failure = (message: string) => new DaytonaInternalServerError(message, 500);

  it("answers 500 for a session that a restart has lost, which is then made again", async () => {
    const daemon = new FakeDaemon();
    const sessions = daemon.sessionsOf();
    const execute = daemon.process.executeSessionCommand;
    daemon.process.executeSessionCommand = async () => {
      daemon.sessions.clear();
      daemon.process.executeSessionCommand = execute;
      throw failure("failed to execute command: session not found");
    };
    expect(await sessions.start("taskloom-a", () => "echo", signal)).toBe("id of taskloom-a");
    expect([...daemon.sessions.keys()]).toEqual(["taskloom-a"]);
  });

  it("replaces a session whose shell was killed", async () => {
    const daemon = new FakeDaemon();
    const sessions = daemon.sessionsOf();
    const removed: string[] = [];
    const { executeSessionCommand: execute, deleteSession: remove } = daemon.process;
    daemon.process.deleteSession = async (name) => {
      removed.push(name);
      await remove(name);
    };
    daemon.process.executeSessionCommand = async () => {
      daemon.process.executeSessionCommand = execute;
      throw failure("failed to execute command: failed to write command: write |1: broken pipe");
    };
    expect(await sessions.start("taskloom-a", () => "echo", signal)).toBe("id of taskloom-a");
    expect(removed).toEqual(["taskloom-a"]);
  });

  it("reports another failure of a start, and tries it no more", async () => {
    const daemon = new FakeDaemon();
    let starts = 0;
    daemon.process.executeSessionCommand = async () => {
      starts++;
      throw failure("failed to execute command: failed to create log file: no space left on device");
    };
    await expect(daemon.sessionsOf().start("taskloom-a", () => "echo", signal)).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("no space left"),
    });
    expect(starts).toBe(1);
  });

  it("fails while it writes an exit code, and is read again", async () => {
    const daemon = new FakeDaemon();
    const sessions = daemon.sessionsOf();
    await sessions.start("taskloom-a", () => "echo", signal);
    const read = daemon.process.getSession;
    let left = 2;
    daemon.process.getSession = async (name) => {
      if (left-- > 0) throw failure('strconv.Atoi: parsing "": invalid syntax');
      return read(name);
    };
    expect(await sessions.find("taskloom-a", signal)).toMatchObject({ exit_code: 0 });
  });
});
