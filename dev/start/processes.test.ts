import { describe, expect, it } from "vitest";
import { inheritedVariables } from "./processes.ts";
import { settingNames } from "./setting-names.ts";

describe("the environment of a child process", () => {
  it("has no setting of the server, since its channel brings them", () => {
    const settings = Object.fromEntries(settingNames.map((name) => [name, "value"]));
    expect(inheritedVariables({ ...settings, PATH: "/bin", HOME: "/root" })).toEqual({ PATH: "/bin", HOME: "/root" });
  });

  it("has no other variable of a service whose keys are settings", () => {
    const others = { OPENAI_ORG_ID: "org", DAYTONA_JWT_TOKEN: "token", SLACK_BOT_TOKEN: "token" };
    expect(inheritedVariables({ ...others, PATH: "/bin" })).toEqual({ PATH: "/bin" });
  });
});
