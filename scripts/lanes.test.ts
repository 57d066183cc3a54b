import { describe, expect, it } from "vitest";
import { runLanes } from "./lanes.ts";

describe("lanes", () => {
  it("work side by side, and who is done takes of what is shared", async () => {
    const steps: string[] = [];
    const gate = Promise.withResolvers<void>();
    const all = runLanes([["slow"], ["a", "b"]], ["x", "y"], async (work, lane) => {
      steps.push(`${lane} ${work}`);
      if (work === "slow") await gate.promise;
      if (work === "y") gate.resolve();
    });
    await all;
    expect(steps).toEqual(["0 slow", "1 a", "1 b", "1 x", "1 y"]);
  });

  it("have done everything once at the end", async () => {
    const done: string[] = [];
    await runLanes([["a"], []], ["x", "y", "z"], async (work) => void done.push(work));
    expect(done.sort()).toEqual(["a", "x", "y", "z"]);
  });
});
