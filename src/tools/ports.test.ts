import { describe, expect, it } from "vitest";
import { callTool } from "../../test/fakes/call-tool.ts";
import { MemorySandbox } from "../../test/fakes/memory-sandbox.ts";
import { SandboxError } from "../agent/sandbox.ts";
import { portTools } from "./ports.ts";

describe("expose_port", () => {
  it("gives a link, to the model and as a preview", async () => {
    const result = await callTool(portTools, "expose_port", { port: "3000" });
    const url = "http://3000-sandbox.localhost/";
    expect(JSON.parse(result.content)).toMatchObject({ url });
    expect(result.preview).toEqual({ port: 3000, url });
    expect(result.details).toMatchObject({ port: 3000, url });
  });

  it.each([0, 65_536, 1.5, "http", undefined])("refuses %s as a port", async (port) => {
    await expect(callTool(portTools, "expose_port", { port })).rejects.toThrow();
  });

  it("leaves a failure of the sandbox to its caller", async () => {
    const sandbox = new MemorySandbox();
    sandbox.failure = new SandboxError("failed", "No link.");
    await expect(callTool(portTools, "expose_port", { port: 80 }, { sandbox })).rejects.toBe(sandbox.failure);
  });
});
