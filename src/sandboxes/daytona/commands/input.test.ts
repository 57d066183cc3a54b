// Input to a command whose shell has not made its pipe yet: 0.190 answers 500 until it has.
import { DaytonaGoneError, DaytonaInternalServerError } from "@daytonaio/sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { defaultLimits } from "../client/limits.ts";
import { loadSdk } from "../client/sdk.ts";
import { type CommandPorts, DaytonaCommands } from "./commands.ts";

await loadSdk();

const { signal } = new AbortController();
const notYet = () =>
  new DaytonaInternalServerError("failed to open input pipe: open /x: no such file or directory", 500);

let answers: (Error | null)[];
let sent: string[];
let exit_code: number | null;

function open(): DaytonaCommands {
  const process = {
    sendSessionCommandInput: async (_session: string, _id: string, line: string) => {
      const answer = answers.shift();
      if (answer) throw answer;
      sent.push(line);
    },
  };
  return new DaytonaCommands({
    connection: { call: (work: (sandbox: unknown) => Promise<unknown>) => work({ process }) },
    sessions: { find: async () => ({ id: "c", command: "read", exit_code }) },
    limits: defaultLimits,
  } as unknown as CommandPorts);
}

beforeEach(() => {
  [answers, sent, exit_code] = [[], [], null];
});

describe("input", () => {
  it("is sent again until the command takes it, and arrives once", async () => {
    answers = [notYet(), notYet()];
    await open().sendInput("a", "yes", signal);
    expect(sent).toEqual(["yes\n"]);
  });

  it("is refused with the reason when the command never takes it", async () => {
    answers = Array.from({ length: 50 }, notYet);
    await expect(open().sendInput("a", "yes", signal)).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("takes no input now"),
    });
    expect(answers.length).toBeGreaterThan(30);
  });

  it("is refused as too late when the command has ended meanwhile", async () => {
    answers = [notYet(), new DaytonaGoneError("command has already completed", 410)];
    await expect(open().sendInput("a", "yes", signal)).rejects.toMatchObject({
      message: expect.stringContaining("has ended"),
    });
  });

  it("is not sent again after a failure that may have come behind it", async () => {
    answers = [new DaytonaInternalServerError("failed to write to input pipe: broken pipe", 500)];
    await expect(open().sendInput("a", "yes", signal)).rejects.toThrow();
    expect(sent).toEqual([]);
    expect(answers).toEqual([]);
  });
});
