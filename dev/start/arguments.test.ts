import { describe, expect, it } from "vitest";
import { readArguments } from "./arguments.ts";

describe("the flags of npm start", () => {
  it("have defaults", () => {
    expect(readArguments([], "/clone")).toEqual({
      port: 8787,
      state: "/clone/.wrangler/state",
      apiKeyFile: null,
      hostExecAllowed: false,
      watched: false,
      inspectorPort: null,
    });
  });

  it("are read as given", () => {
    const list = ["--port", "9000", "--state", "/data", "--api-key-file", "/run/key", "--allow-host-exec"];
    expect(readArguments(list, "/clone")).toEqual({
      port: 9000,
      state: "/data",
      apiKeyFile: "/run/key",
      hostExecAllowed: true,
      watched: false,
      inspectorPort: null,
    });
  });

  it("open an inspector only for npm run dev", () => {
    expect(readArguments(["--watch"], "/clone")).toMatchObject({ watched: true, inspectorPort: null });
    expect(readArguments(["--watch", "--inspect", "9229"], "/clone")).toMatchObject({ inspectorPort: 9229 });
    expect(() => readArguments(["--inspect", "9229"], "/clone")).toThrow("npm run dev");
  });

  it.each([
    ["--watch", "--inspect", "0"],
    ["--port", "0"],
    ["--port", "65536"],
    ["--port", "8787x"],
    ["--port", ""],
    ["--state", ""],
    ["--api-key", "key"],
    ["--prot", "1"],
    ["8787"],
  ])("reject %s %s", (...list) => {
    expect(() => readArguments(list, "/clone")).toThrow();
  });
});
