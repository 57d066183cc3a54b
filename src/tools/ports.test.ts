import { describe, expect, it } from "vitest";
import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import { callTool } from "../../test/fakes/call-tool.ts";
import { SandboxError } from "../agent/sandbox.ts";
import { portTools } from "./ports.ts";

describe("expose_port", () => {
  it("gives a link, to the model and as a preview", async () => {
    const url = "http://3000-sandbox.localhost/";
    const exposePort = async () => ({ url, expires_at: "2026-01-02T00:00:00.000Z" });
    const sandbox = Object.assign(new MemorySandbox(), { exposePort });
    const result = await callTool(portTools, "expose_port", { port: "3000" }, { sandbox });
    expect(JSON.parse(result.content)).toMatchObject({ url });
    expect(result.preview).toEqual({ port: 3000, url });
    expect(result.details).toMatchObject({ port: 3000, url });
  });

  it.each([0, 65_536, 1.5, "http", undefined])("refuses %s as a port", async (port) => {
    await expect(callTool(portTools, "expose_port", { port })).rejects.toThrow();
  });

  it("passes a failure of the sandbox on", async () => {
    const failure = new SandboxError("failed", "No link.");
    const sandbox = Object.assign(new MemorySandbox(), { exposePort: () => Promise.reject(failure) });
    await expect(callTool(portTools, "expose_port", { port: 80 }, { sandbox })).rejects.toBe(failure);
  });
});
