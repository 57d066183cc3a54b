import { describe, expect, it } from "vitest";
import { bringsKey, readFragment } from "./fragment.ts";

const local = new URL("http://localhost:8787/");
const deployed = new URL("https://app.example/");

describe("the fragment of an address", () => {
  it("has the place, and the key that it brings", () => {
    expect(readFragment("#key=k%201&thread=t&settings=keys")).toEqual({ key: "k 1", thread: "t", settings: "keys" });
    expect(readFragment("#thread=")).toEqual({ key: null, thread: null, settings: null });
    expect(readFragment("")).toEqual({ key: null, thread: null, settings: null });
  });

  it("of a megabyte has a key that no server knows, and no place", () => {
    const long = `#thread=t&key=${"k".repeat(1_000_000)}`;
    expect(readFragment(long)).toEqual({ key: "", thread: null, settings: null });
  });
});

describe("a link to the page", () => {
  it.each([
    "http://localhost:8787/#key=k",
    "http://LOCALHOST:8787/#key=k",
    "http://localhost.:8787/#key=k",
    "http://127.0.0.1:8787/#key=k",
    "http://127.1:8787/#key=k",
    "http://0x7f000001:8787/#key=k",
    "http://2130706433:8787/#key=k",
    "http://0:8787/#key=k",
    "http://[::1]:8787/#key=k",
    "http://[::ffff:127.0.0.1]:8787/#key=k",
    "http://app.localhost:8787/#key=k",
    "http://user:word@localhost:8787/#key=k",
    "https://localhost:8787/#key=k",
    "http:\\\\localhost:8787\\#key=k",
    "http:/localhost:8787/#key=k",
    "ht\ntp://local\thost:8787/#k\ney=k",
    "http://localhost:8787/any/path?a#key=k",
    "http://localhost:8787/#x&key=k",
    "http://localhost:8787/#thread=t&key=k&key=l",
    "http://localhost:8787/#%6bey=k",
    "http://localhost:8787/#k%65y",
    "http://localhost:8787/#?key=k",
    "http://localhost:8787/#key=",
    `http://localhost:8787/#${"x".repeat(20_000)}`,
  ])("brings a key however it is written: %s", (address) => {
    expect(bringsKey(new URL(address), local)).toBe(true);
  });

  it.each([
    "http://localhost:8787/",
    "http://localhost:8787/?key=k",
    "http://localhost:8787/#thread=t",
    "http://localhost:8787/#monkey=k",
    "http://localhost:8787/##key=k",
    "http://localhost:3000/#key=k",
    "http://localhost/#key=k",
    "http://3000-abcdefghijklmnopqrstuvwxyz.localhost:8787/#key=k",
    "http://128.0.0.1:8787/#key=k",
    "http://localhost.example:8787/#key=k",
    "https://other.example/#key=k",
    "mailto:a@localhost?x#key=k",
  ])("brings none, or is another site's: %s", (address) => {
    expect(bringsKey(new URL(address), local)).toBe(false);
  });

  it("is one where the page is deployed, over either scheme", () => {
    for (const address of [
      "https://app.example/#key=k",
      "http://APP.example/#key=k",
      "https://app.example.:443/x#key=k",
    ])
      expect(bringsKey(new URL(address), deployed)).toBe(true);
    for (const address of [
      "https://www.app.example/#key=k",
      "https://app.example:8443/#key=k",
      "http://localhost/#key=k",
    ])
      expect(bringsKey(new URL(address), deployed)).toBe(false);
  });
});
