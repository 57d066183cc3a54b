import { describe, expect, it } from "vitest";
import { readConfig } from "../config.ts";
import { describeMissing, findProvider, type RegisteredProvider, type SandboxProvider } from "./index.ts";

const config = readConfig({} as never);

function entry(setting: string, provider: SandboxProvider | null): RegisteredProvider {
  return { setting, create: () => provider };
}

const one = { max_link_seconds: 1 } as SandboxProvider;
const other = { max_link_seconds: 2 } as SandboxProvider;

describe("the registry of sandbox providers", () => {
  it("returns the first provider whose settings are present", () => {
    expect(findProvider(config, [entry("A", null), entry("B", one), entry("C", other)])).toBe(one);
    expect(findProvider(config, [entry("A", null)])).toBeNull();
  });

  it("returns a provider if only Daytona's setting is present", () => {
    expect(findProvider(readConfig({ DAYTONA_API_KEY: "key" } as never))).not.toBeNull();
  });

  it("names every setting that enables a provider", () => {
    expect(describeMissing([entry("A", null), entry("B", null)])).toBe(
      "No sandbox is set up: the server's setting A or B is missing.",
    );
  });
});
