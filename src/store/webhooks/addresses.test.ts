import { describe, expect, it } from "vitest";
import { isSameAddress } from "./addresses.ts";

describe("isSameAddress", () => {
  it.each([
    "HTTPS://Receiver.Example/hook",
    "https://receiver.example:443/hook",
    "https://receiver.example/hook#again",
    "https://receiver.example./hook",
    "https://receiver.example/other/../hook",
    "https://receiver.ex\u00adample/hook",
    "https://receiver.example/%68oo%6B",
    "https://receiver.example/hook?",
    "https://receiver.example/hook?#again",
  ])("knows %s again", (other) => {
    expect(isSameAddress("https://receiver.example/hook", other)).toBe(true);
  });

  it.each([
    "http://receiver.example/hook",
    "https://receiver.example/hook/",
    "https://receiver.example/hook?team=2",
    "https://receiver.example/hook%2F",
    "https://receiver.example/hook%3F",
    "https://receiver.example:8443/hook",
    "https://other.example/hook",
  ])("takes %s for another one", (other) => {
    expect(isSameAddress("https://receiver.example/hook", other)).toBe(false);
  });

  it("compares escapes in any case, and none that can't be read", () => {
    expect(isSameAddress("https://receiver.example/a%2fb", "https://receiver.example/a%2Fb")).toBe(true);
    expect(isSameAddress("https://receiver.example/a%zz", "https://receiver.example/a%ZZ")).toBe(false);
  });
});
