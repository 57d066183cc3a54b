import { describe, expect, it } from "vitest";
import { readFlags } from "./arguments.ts";

describe("flags of the bench", () => {
  it("measures turns without any", () => {
    const none = { peers: false, short: false, rounds: null, only: null, scenarios: null };
    expect(readFlags([])).toEqual({ measured: "turns", ...none });
  });

  it("takes lists and numbers", () => {
    const flags = readFlags(["--rounds", "3", "--only", "loop,taskloom", "--scenarios", "1 client; 10,000"]);
    expect(flags).toMatchObject({ rounds: 3, only: ["loop", "taskloom"], scenarios: ["1 client", "10,000"] });
  });

  it("chooses bills by their own titles", () => {
    expect(readFlags(["--cost", "--scenarios", "turn of;idle"])).toMatchObject({
      measured: "cost",
      scenarios: ["turn of", "idle"],
    });
  });

  it.each([
    [["--rounds", "0"], "--rounds takes"],
    [["--rounds", "many"], "--rounds takes"],
    [["--only", "loop,mastra"], "no target mastra"],
    [["--growth", "--peers"], "Choose one"],
    [["--only", "direct"], "no target direct"],
    [["--scenarios", "nope"], "begins with"],
    [["--scenarios", "1 client;"], "begins with"],
    [["--rounds", "0x2"], "--rounds takes"],
    [["--only", "node"], "need --peers"],
    [["--growth", "--only", "loop"], "chooses servers"],
    [["--growth", "--scenarios", "turn"], "chooses turns or bills"],
    [["--cost", "--scenarios", "1 client"], "begins with"],
    [["--cost", "--growth"], "Choose one"],
    [["--fast"], "--fast"],
  ])("refuses %j", (args, message) => {
    expect(() => readFlags(args)).toThrow(message);
  });
});
