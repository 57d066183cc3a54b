import { describe, expect, it } from "vitest";
import { describePlatformRefusal } from "./platform-refusal.ts";

describe("an answer of Cloudflare's own", () => {
  it.each([
    ["error code: 1042\n", /error 1042\): the address is another Worker/],
    ["error code: 1019", /error 1019\): .*loop/],
    ["error code: 1999", /error 1999\)$/],
  ])("is put into words for %j", (text, words) => expect(describePlatformRefusal(text)).toMatch(words));

  it.each([
    "",
    "error code: 42",
    "error code: 1042 and more words of a server",
    `error code: 1042${" ".repeat(99)}x`,
    "no",
  ])("is not seen in %j", (text) => expect(describePlatformRefusal(text)).toBeNull());
});
