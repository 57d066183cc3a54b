import { describe, expect, it } from "vitest";
import { type Source, sourceOfRequest } from "./own-page.ts";

const url = "https://taskloom.example/v1/threads";
const sourceOf = (method: string, headers: Record<string, string>): Source =>
  sourceOfRequest({ method, headers: new Headers(headers), url });

describe("what a browser says of the page that asks", () => {
  it.each(["GET", "HEAD", "POST", "DELETE"])("decides over a %s", (method) => {
    expect(sourceOf(method, { "sec-fetch-site": "same-origin" })).toBe("page");
    for (const site of ["same-site", "cross-site", "none", "", "same-origin, cross-site", "Same-Origin"]) {
      expect([site, sourceOf(method, { "sec-fetch-site": site, origin: "https://taskloom.example" })]).toEqual([
        site,
        "other",
      ]);
    }
  });

  it.each(["GET", "POST"])("is the origin of a %s where it says nothing else", (method) => {
    expect(sourceOf(method, { origin: "https://taskloom.example" })).toBe("page");
    for (const origin of [
      "null",
      "http://taskloom.example",
      "https://taskloom.example:8443",
      "https://3000-x.taskloom.example",
      "https://taskloom.example.evil.example",
      "",
    ]) {
      expect([origin, sourceOf(method, { origin })]).toEqual([origin, "other"]);
    }
  });

  it("is nothing for a read of an old browser, and then only that may be a page's", () => {
    expect(["GET", "HEAD"].map((method) => sourceOf(method, {}))).toEqual(["unclear", "unclear"]);
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) expect(sourceOf(method, {})).toBe("other");
  });
});
