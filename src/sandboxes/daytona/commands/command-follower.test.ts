import { afterEach, describe, expect, it, vi } from "vitest";
import { followCommand, type LogReading } from "./command-follower.ts";
import { LiveOutput } from "./live-output.ts";

it("does not read a log again that exceeds the limit, and still notices when its command ends", async () => {
  const cut: LogReading = {
    output: "y\ny\n",
    omitted_bytes: 9,
    characters: 64_000,
    printed: 64_000,
    exit_code: null,
    is_complete: false,
    is_cut: true,
  };
  let readings = 0;
  const codes = [null, null, 141];
  const source = {
    readLog: async () => {
      readings++;
      return cut;
    },
    readExitCode: async () => codes.shift() ?? null,
    watchInput: async () => "quiet" as const,
  };
  const follow = (wait_ms: number) =>
    followCommand(source, { wait_ms, live: new LiveOutput(() => {}, 10), signal: new AbortController().signal });
  expect(await follow(5_000)).toEqual({ exit_code: 141, output: "y\ny\n", omitted_bytes: 9 });
  expect(readings).toBe(1);
  expect(await follow(30)).toMatchObject({ exit_code: null });
  expect(readings).toBe(2);
});

afterEach(() => vi.useRealTimers());

it.each([
  ["waits for the second, however long the daemon needs for a line", null, 12_000, "begun\nthe rest\n"],
  ["waits no longer than a moment after the daemon's exit code", 3, 60_000, "begun\n"],
])("after the first end marker %s", async (_, code, complete_ms, output) => {
  vi.useFakeTimers();
  const begun = Date.now();
  const source = {
    readLog: async (): Promise<LogReading> => {
      const is_complete = Date.now() - begun >= complete_ms;
      const text = is_complete ? "begun\nthe rest\n" : "begun\n";
      const sizes = { omitted_bytes: 0, characters: text.length, printed: text.length };
      return { output: text, ...sizes, exit_code: 3, is_complete, is_cut: false };
    },
    readExitCode: async () => code,
    watchInput: async () => "quiet" as const,
  };
  const options = { wait_ms: 50_000, live: new LiveOutput(() => {}, 1_000), signal: new AbortController().signal };
  const following = followCommand(source, options);
  await vi.advanceTimersByTimeAsync(50_000);
  expect(await following).toEqual({ exit_code: 3, output, omitted_bytes: 0 });
});

describe("a command that prints nothing", () => {
  /** Follows for a simulated time with what the sandbox says of the command's input at each look. */
  async function followFor(wait_ms: number, look: (looks: number) => "waits" | "quiet" | "unknown", held = "") {
    vi.useFakeTimers();
    let looks = 0;
    const begun = Date.now();
    const at: number[] = [];
    let output = "begun\n";
    const source = {
      readLog: async (): Promise<LogReading> => {
        const whole = { output, omitted_bytes: 0, characters: output.length, printed: output.length };
        return { ...whole, exit_code: null, is_complete: false, is_cut: false };
      },
      readExitCode: async () => null,
      watchInput: async () => {
        at.push(Math.round((Date.now() - begun) / 1000));
        const state = look(++looks);
        if (state === "waits") output = `begun\n${held}`;
        return state;
      },
    };
    const live = new LiveOutput(() => {}, 1_000);
    const following = followCommand(source, { wait_ms, live, signal: new AbortController().signal });
    await vi.advanceTimersByTimeAsync(wait_ms + 1_000);
    return { state: await following, at };
  }

  it("is looked at after growing times, and never taken for one that waits", async () => {
    const { state, at } = await followFor(3_600_000, () => "quiet");
    expect(state).toEqual({ exit_code: null, output: "begun\n", omitted_bytes: 0 });
    expect(at.length).toBeLessThan(12);
    expect(at[0]).toBeLessThan(4);
  });

  it("is looked at once where the sandbox can't tell", async () => {
    expect((await followFor(600_000, () => "unknown")).at).toHaveLength(1);
  });

  it("is reported at once when it has begun a line and waits for input", async () => {
    const { state, at } = await followFor(600_000, (looks) => (looks < 3 ? "quiet" : "waits"), "Name? ");
    expect(state).toEqual({ exit_code: null, output: "begun\nName? ", omitted_bytes: 0, waits_for_input: true });
    expect(at).toHaveLength(3);
  });

  it("is waited for to the end when it reads its input and has asked nothing", async () => {
    const { state, at } = await followFor(60_000, () => "waits");
    expect(state).toEqual({ exit_code: null, output: "begun\n", omitted_bytes: 0, waits_for_input: true });
    expect(at.length).toBeGreaterThan(3);
  });
});
