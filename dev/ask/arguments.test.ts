import { describe, expect, it } from "vitest";
import { readArguments } from "./arguments.ts";

describe("the arguments of npm run ask", () => {
  it("are a request, quoted or not", () => {
    expect(readArguments(["帮我做一个电商网站"], "/clone").message).toBe("帮我做一个电商网站");
    expect(readArguments(["build", "a", "shop"], "/clone")).toEqual({
      message: "build a shop",
      model: null,
      url: null,
      key: null,
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

  it.each([
    [""],
    ["x", "--models"],
    ["x", "--model", " "],
    ["  "],
    ["x", "--url", "localhost:8787"],
    ["x", "--thread", "a/b"],
    ["x", "--what"],
  ])("refuse %s %s %s", (...list) => {
    expect(() => readArguments(list, "/clone")).toThrow();
  });
});
