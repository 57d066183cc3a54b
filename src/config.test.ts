import { describe, expect, it } from "vitest";
import { type Env, readConfig } from "./config.ts";

function readLimits(settings: Record<string, unknown>) {
  return readConfig({ OPENAI_API_KEY: "key", ...settings } as unknown as Env).models.limits;
}

describe("MODEL_CONTEXT_TOKENS", () => {
  it.each([
    [undefined, null],
    ["", null],
    ["much", null],
    ["32768", 32_768],
    [65_536, 65_536],
    ["1", 8_000],
    ["1e12", 100_000_000],
  ])("is clamped to its bounds, or null if it is no number: %s is %s", (value, expected) => {
    const env = { OPENAI_API_KEY: "key", MODEL_CONTEXT_TOKENS: value } as unknown as Env;
    expect(readConfig(env).models.default_server?.context_tokens).toBe(expected);
  });
});

describe("SCHEDULE_MINUTES", () => {
  it.each([
    [undefined, 5],
    ["", 5],
    ["1", 1],
    [15, 15],
    ["0", 5],
    ["2.5", 5],
    ["61", 5],
    ["often", 5],
  ])("is whole minutes up to an hour, or not set: %s is %s", (value, expected) => {
    expect(readConfig({ SCHEDULE_MINUTES: value } as unknown as Env).schedule_minutes).toBe(expected);
  });
});

describe("SESSION_HOURS", () => {
  it.each([
    [undefined, 24],
    ["", 24],
    ["1", 1],
    [" 1.5 ", 1.5],
    [720, 720],
    ["721", 24],
    ["0.5", 24],
    ["0", 24],
    ["-1", 24],
    ["ever", 24],
    ["Infinity", 24],
  ])("is an hour to a month, or not set: %s is %s", (value, expected) => {
    expect(readConfig({ SESSION_HOURS: value } as unknown as Env).session_ms).toBe(expected * 3_600_000);
  });
});

describe("AUDIT_DAYS", () => {
  it.each([
    [undefined, 365],
    ["", 365],
    ["1", 1],
    ["3650", 3_650],
    ["0", 365],
    ["-1", 365],
    ["1.5", 365],
    ["3651", 365],
    ["ever", 365],
  ])("is whole days up to ten years, or not set: %s is %s", (value, expected) => {
    expect(readConfig({ AUDIT_DAYS: value } as unknown as Env).audit_days).toBe(expected);
  });
});

describe("silence limits of the model", () => {
  it("are ten minutes before the reply and five during it, unless set", () => {
    const usual = { first_byte_ms: 600_000, idle_ms: 300_000 };
    expect(readLimits({})).toEqual(usual);
    expect(readLimits({ MODEL_FIRST_BYTE_SECONDS: "700", MODEL_IDLE_SECONDS: " 0.5e2 " })).toEqual({
      first_byte_ms: 700_000,
      idle_ms: 50_000,
    });
    // `[vars]` of wrangler.toml may hold numbers.
    expect(readLimits({ MODEL_IDLE_SECONDS: 90 })).toEqual({ ...usual, idle_ms: 90_000 });
  });

  it.each([
    ["", 300],
    ["  ", 300],
    ["soon", 300],
    ["60s", 300],
    ["0", 1],
    ["-5", 1],
    ["0.2", 1],
    ["86400", 1800],
    ["Infinity", 1800],
    [true, 300],
  ])("are clamped to their bounds: %s is %i s", (value, expected) => {
    expect(readLimits({ MODEL_IDLE_SECONDS: value }).idle_ms).toBe(expected * 1000);
  });
});

describe("IMAGE_URLS", () => {
  const read = (value: unknown) => readConfig({ IMAGE_URLS: value } as Env).image_urls;

  it("is public by default, or the given value", () => {
    for (const value of [undefined, null, "", "  ", "public", " public "]) expect(read(value)).toBe("public");
    for (const value of ["data", "data\n"]) expect(read(value)).toBe("data");
  });

  it("refuses any other word", () => {
    for (const value of ["date", "Data", "data,public", "none", "1", 1, true, false, ["data"], { data: 1 }]) {
      expect(() => read(value)).toThrow('IMAGE_URLS must be "public" or "data"');
    }
  });
});
