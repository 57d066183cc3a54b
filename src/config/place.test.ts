import { describe, expect, it } from "vitest";
import { readPlaceSettings } from "./place.ts";

const none = { jurisdiction: null, location_hint: null, place_problem: null };

describe("where objects are", () => {
  it.each([
    ["nothing is set", {}, none],
    ["both are empty", { JURISDICTION: " ", LOCATION_HINT: "" }, none],
    ["a jurisdiction is set", { JURISDICTION: " EU " }, { ...none, jurisdiction: "eu" }],
    ["a hint is set", { LOCATION_HINT: "weur" }, { ...none, location_hint: "weur" }],
  ])("is read if %s", (_, env, settings) => expect(readPlaceSettings(env)).toEqual(settings));

  it.each([
    [{ JURISDICTION: "europe" }, "JURISDICTION must be one of eu,"],
    [{ LOCATION_HINT: "eu" }, "LOCATION_HINT must be one of wnam,"],
    [{ JURISDICTION: 1 }, "JURISDICTION must be one of eu,"],
  ])("is a problem as %s", (env, words) => expect(readPlaceSettings(env).place_problem).toContain(words));
});
