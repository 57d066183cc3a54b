import { describe, expect, it } from "vitest";
import { readFetchSettings } from "./fetch.ts";

describe("the settings of fetch_url", () => {
  it("offer it for addresses that somebody named, without robots.txt, contact or lists", () => {
    const domains = { allow: [], deny: [] };
    const usual = { offered: true, named_only: true, robots: false, contact: null, domains, problem: null };
    expect(readFetchSettings({})).toEqual(usual);
    expect(readFetchSettings({ FETCH_URL: " ", FETCH_URL_ADDRESSES: "named", FETCH_ROBOTS: 0 })).toEqual(usual);
  });

  it("are read in any case, with domains in one form", () => {
    expect(
      readFetchSettings({
        FETCH_URL: "OFF",
        FETCH_URL_ADDRESSES: "any",
        FETCH_ROBOTS: 1,
        FETCH_CONTACT: "https://example.com/bot",
        WEB_DOMAINS_ALLOW: "*.Example.com., münchen.example ,",
        WEB_DOMAINS_DENY: "evil.net:8080",
      }),
    ).toEqual({
      offered: false,
      named_only: false,
      robots: true,
      contact: "https://example.com/bot",
      domains: { allow: ["example.com", "xn--mnchen-3ya.example"], deny: ["evil.net"] },
      problem: null,
    });
  });

  it.each([
    ["FETCH_URL", "no", "FETCH_URL must be on or off"],
    ["FETCH_URL_ADDRESSES", "all", "FETCH_URL_ADDRESSES must be named or any"],
    ["FETCH_ROBOTS", "yes", "FETCH_ROBOTS must be 0 or 1"],
    ["FETCH_CONTACT", "me (at) example\r\nX: y", "FETCH_CONTACT must be an address"],
    [
      "WEB_DOMAINS_ALLOW",
      "example.com, https://evil.net/",
      "WEB_DOMAINS_ALLOW has no domain such as example.com at place 2",
    ],
    ["WEB_DOMAINS_DENY", "a@b", "WEB_DOMAINS_DENY has no domain"],
  ])("name %s where it is wrong, and permit nothing more", (name, value, message) => {
    const read = readFetchSettings({ [name]: value });
    expect(read.problem).toContain(message);
    expect(read).toMatchObject({ named_only: true, robots: true });
  });
});
