import { describe, expect, it } from "vitest";
import { type Env, readConfig } from "../config.ts";
import { findSettingProblem } from "../models/index.ts";
import { readCapSettings } from "./caps.ts";

describe("the settings of caps", () => {
  it("are no caps where nothing is set", () => {
    for (const env of [{}, { USER_DAY_CAPS: "", DEPLOYMENT_MONTH_CAPS: "  " }]) {
      expect(readCapSettings(env)).toEqual({ deployment: {}, user: {}, problem: null });
    }
  });

  it("are read in any order and with spaces, and 0 is a cap", () => {
    expect(
      readCapSettings({
        DEPLOYMENT_DAY_CAPS: "cost_usd=20,tokens=5000000,minutes=600",
        DEPLOYMENT_MONTH_CAPS: " minutes = 0 ",
        USER_DAY_CAPS: "tokens=0, cost_usd=0.5",
        USER_MONTH_CAPS: "cost_usd=1000000",
      }),
    ).toEqual({
      deployment: {
        day: { max_cost_usd: 20, max_total_tokens: 5_000_000, max_minutes: 600 },
        month: { max_minutes: 0 },
      },
      user: { day: { max_total_tokens: 0, max_cost_usd: 0.5 }, month: { max_cost_usd: 1_000_000 } },
      problem: null,
    });
  });

  const settings = ["DEPLOYMENT_DAY_CAPS", "DEPLOYMENT_MONTH_CAPS", "USER_DAY_CAPS", "USER_MONTH_CAPS"];
  const wrong = [
    ...["20", "cost=20", "cost_usd", "cost_usd=", "cost_usd=twenty", "cost_usd=-1", "cost_usd=1e3", "cost_usd=$5"],
    ...[
      "cost_usd=1000001",
      "tokens=1.5",
      "tokens=5_000_000",
      "minutes=600000",
      "cost_usd=1,cost_usd=2",
      "cost_usd=20,",
    ],
    ...[",", "cost_usd=20;tokens=5", "cost_usd=20=30", "toString=1", "max_cost_usd=1", "COST_USD=1"],
  ];

  it.each(settings)(
    "of %s are refused where one is wrong, in a sentence with its name, and nothing is capped",
    (name) => {
      for (const value of wrong) {
        const read = readCapSettings({ [name]: value });
        expect(read, value).toEqual({ deployment: {}, user: {}, problem: expect.any(String) });
        expect(read.problem).toMatch(new RegExp(`^The server's setting ${name} .*\\.$`));
      }
    },
  );

  it("fail every run of a deployed server where one is wrong", () => {
    const env = { OPENAI_API_KEY: "key", USER_DAY_CAPS: "cost_usd=ten" };
    const { models, caps } = readConfig(env as unknown as Env);
    expect(findSettingProblem(models)).toBe(caps.problem);
    expect(caps.problem).toBe("The server's setting USER_DAY_CAPS has no valid number for cost_usd.");
    expect(
      findSettingProblem(readConfig({ ...env, USER_DAY_CAPS: "cost_usd=10" } as unknown as Env).models),
    ).toBeNull();
  });
});
