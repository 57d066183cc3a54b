import { describe, expect, it } from "vitest";
import { readConfig } from "../../config.ts";
import { describeMissing, findProvider } from "../index.ts";
import { settingsFrom } from "./provider.ts";

const server = { api_key: "key", api_url: "http://127.0.0.1:1/api", target: "eu", snapshot: "usual" };
const request = { name: "project", labels: { app: "taskloom" } };

describe("Daytona as a provider", () => {
  it("is available if the server has its API key, and names that setting if it has not", () => {
    expect(findProvider(readConfig({ DAYTONA_API_KEY: "key" } as never))).not.toBeNull();
    expect(findProvider(readConfig({} as never))).toBeNull();
    expect(describeMissing()).toBe("No sandbox is set up: the server's setting DAYTONA_API_KEY is missing.");
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
