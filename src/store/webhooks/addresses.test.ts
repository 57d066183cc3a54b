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
  ])("knows %s again", (other) => {
    expect(isSameAddress("https://receiver.example/hook", other)).toBe(true);
  });

  it.each([
    "http://receiver.example/hook",
    "https://receiver.example/hook/",
    "https://receiver.example/hook?team=2",
    "https://receiver.example:8443/hook",
    "https://other.example/hook",
  ])("takes %s for another one", (other) => {
    expect(isSameAddress("https://receiver.example/hook", other)).toBe(false);
  });
});
