import { expect, it } from "vitest";
import { followCommand, type LogReading } from "./command-follower.ts";
import { LiveOutput } from "./live-output.ts";

it("does not read a log again that exceeds the limit, and still notices when its command ends", async () => {
  const cut: LogReading = {
    output: "y\ny\n",
    omitted_bytes: 9,
    characters: 64_000,
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
  };
  const follow = (wait_ms: number) =>
    followCommand(source, { wait_ms, live: new LiveOutput(() => {}, 10), signal: new AbortController().signal });
  expect(await follow(5_000)).toEqual({ exit_code: 141, output: "y\ny\n", omitted_bytes: 9 });
  expect(readings).toBe(1);
  expect(await follow(30)).toMatchObject({ exit_code: null });
  expect(readings).toBe(2);
});
