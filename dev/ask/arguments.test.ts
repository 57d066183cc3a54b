import { describe, expect, it } from "vitest";
import { readArguments } from "./arguments.ts";

describe("the arguments of npm run ask", () => {
  it("are a request, quoted or not", () => {
    expect(readArguments(["帮我做一个电商网站"], "/clone").message).toBe("帮我做一个电商网站");
    expect(readArguments(["build", "a", "shop"], "/clone")).toEqual({
      message: "build a shop",
      url: null,
      key: null,
      thread: null,
      state: "/clone/.wrangler/state",
    });
  });

  it.each([[""], ["  "], ["x", "--url", "localhost:8787"], ["x", "--thread", "a/b"], ["x", "--what"]])(
    "refuse %s %s %s",
    (...list) => {
      expect(() => readArguments(list, "/clone")).toThrow();
    },
  );
});
