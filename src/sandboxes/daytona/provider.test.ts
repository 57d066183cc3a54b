import { describe, expect, it } from "vitest";
import { readConfig } from "../../config.ts";
import { describeMissing } from "../index.ts";
import { createDaytonaProvider, settingsFrom } from "./provider.ts";

const server = { api_key: "key", api_url: "http://127.0.0.1:1/api", target: "eu", snapshot: "usual" };
const request = { name: "project", labels: { app: "taskloom" } };

describe("Daytona as a provider", () => {
  it("is available if the server has its API key, and that setting is named if no provider is", () => {
    expect(createDaytonaProvider(readConfig({ DAYTONA_API_KEY: "key" } as never))).not.toBeNull();
    expect(createDaytonaProvider(readConfig({} as never))).toBeNull();
    expect(describeMissing().split(/[ ,]/)).toContain("DAYTONA_API_KEY");
  });

  it("uses the server's target and snapshot for a project without its own", () => {
    expect(settingsFrom(server, { ...request, recipe: { cpu: 2 } })).toEqual({
      ...server,
      ...request,
      recipe: { cpu: 2 },
    });
  });

  it("uses a project's own target and snapshot, and no snapshot together with an image", () => {
    const own = settingsFrom(server, { ...request, recipe: { target: "us", snapshot: "own" } });
    expect([own.target, own.snapshot, own.recipe]).toEqual(["us", "own", {}]);
    for (const recipe of [{ image: "node:24" }, { dockerfile: "FROM node:24" }]) {
      expect(settingsFrom(server, { ...request, recipe })).toMatchObject({ target: "eu", snapshot: null, recipe });
    }
  });
});
