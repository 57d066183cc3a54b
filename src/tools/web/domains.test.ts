import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toDomain } from "../../lib/domain.ts";
import { isAllowed, isWithin } from "./domains.ts";

describe("the lists of domains", () => {
  it.each([
    ["example.com", true],
    ["www.example.com", true],
    ["WWW.Example.COM.", true],
    ["a.example.com:8443", true],
    ["notexample.com", false],
    ["example.com.evil.net", false],
    ["private.example.com", false],
    ["deep.private.example.com", false],
    ["münchen.example", true],
    ["xn--mnchen-3ya.example", true],
    ["", false],
  ])("let %s be used: %s", (host, allowed) => {
    const rules = { allow: ["example.com", "xn--mnchen-3ya.example"], deny: ["private.example.com"] };
    expect(isAllowed(rules, host)).toBe(allowed);
  });

  it("deny alone leaves all others, and no list leaves all", () => {
    expect(isAllowed({ allow: [], deny: ["evil.net"] }, "good.net")).toBe(true);
    expect(isAllowed({ allow: [], deny: ["evil.net"] }, "x.evil.net")).toBe(false);
    expect(isAllowed({ allow: [], deny: [] }, "anything")).toBe(true);
  });

  it.each([
    ["Example.COM.", "example.com"],
    ["*.example.com", "example.com"],
    [".example.com", "example.com"],
    ["例子.中国", "xn--fsqu00a.xn--fiqs8s"],
    ["example.com:443", "example.com"],
    ["[::1]", "[::1]"],
    ["https://example.com", null],
    ["example.com/path", null],
    ["user@example.com", null],
    ["", null],
    ["..", null],
  ])("know %s as %s", (text, domain) => {
    expect(toDomain(text)).toBe(domain);
  });

  it("compares hosts and domains in one form", () => {
    expect(isWithin("MÜNCHEN.example.", "xn--mnchen-3ya.example")).toBe(true);
    expect(isWithin("", "example.com")).toBe(false);
    expect(isWithin("example.com", "")).toBe(false);
  });

  it("never let a denied domain's subdomain through, however it is written", () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    fc.assert(
      fc.property(label, fc.boolean(), fc.boolean(), (sub, dot, upper) => {
        const host = `${sub}.evil.net${dot ? "." : ""}`;
        expect(isAllowed({ allow: ["net"], deny: ["evil.net"] }, upper ? host.toUpperCase() : host)).toBe(false);
      }),
    );
  });
});
