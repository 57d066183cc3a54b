import { describe, expect, it } from "vitest";
import { readArguments } from "./arguments.ts";

describe("the arguments of npm run ask", () => {
  it("run the checks of a thread again", () => {
    expect(readArguments(["--checks", "--thread", "t1"], "/clone")).toMatchObject({ checks: true, message: null });
    expect(() => readArguments(["--checks"], "/clone")).toThrow("--checks needs --thread");
    expect(() => readArguments(["--checks", "--thread", "t1", "and more"], "/clone")).toThrow("takes no request");
  });

  it("are a request, quoted or not", () => {
    expect(readArguments(["帮我做一个电商网站"], "/clone").message).toBe("帮我做一个电商网站");
    expect(readArguments(["build", "a", "shop"], "/clone")).toEqual({
      message: "build a shop",
      checks: false,
      model: null,
      caps: {},
      url: null,
      keyFile: null,
      thread: null,
      state: "/clone/.wrangler/state",
    });
  });

  it("may name a model, or ask for the list of models", () => {
    expect(readArguments(["x", "--model", " deepseek/deepseek-v4-pro "], "/clone").model).toBe(
      "deepseek/deepseek-v4-pro",
    );
    expect(readArguments(["--models"], "/clone").message).toBeNull();
  });

  it("may cap what the run uses", () => {
    const list = ["x", "--max-cost", "0.5", "--max-tokens=0", "--max-minutes", "10"];
    expect(readArguments(list, "/clone").caps).toEqual({ max_cost_usd: 0.5, max_total_tokens: 0, max_minutes: 10 });
  });

  it.each([
    [""],
    ["x", "--models"],
    ["x", "--model", " "],
    ["  "],
    ["x", "--url", "localhost:8787"],
    ["x", "--thread", "a/b"],
    ["x", "--what"],
    ["x", "--max-cost", "five"],
    ["x", "--max-minutes", ""],
  ])("refuse %s %s %s", (...list) => {
    expect(() => readArguments(list, "/clone")).toThrow();
  });
});
