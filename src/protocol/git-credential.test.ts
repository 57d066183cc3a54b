import { describe, expect, it } from "vitest";
import { hostOfGitUrl, normalizeGitHost } from "./git-credential.ts";

describe("normalizeGitHost", () => {
  it.each([
    ["github.com", "github.com"],
    [" GitHub.COM. ", "github.com"],
    ["github.com:443", "github.com"],
    ["git.example.com:8443", "git.example.com:8443"],
    ["https://github.com", "github.com"],
    ["https://github.com/taskloom/shop.git", "github.com"],
    ["http://localhost:3000/", "localhost:3000"],
    ["http://git.example.com:80", "git.example.com"],
    ["münchen.example", "xn--mnchen-3ya.example"],
    ["MÜNCHEN.example", "xn--mnchen-3ya.example"],
    ["[::1]:3000", "[::1]:3000"],
    ["127.1:3000", "127.0.0.1:3000"],
  ])("writes %s as %s", (given, host) => {
    expect(normalizeGitHost(given)).toEqual({ ok: true, value: host });
  });

  it.each([
    "",
    " ",
    "git@github.com",
    "git@github.com:a/b.git",
    "ssh://git@github.com/a",
    "ftp://github.com",
    "https://user:token@github.com/",
    "*.github.com",
    "github.com/a",
    "github.com\\a",
    "github.com evil.com",
    "git\thub.com",
    "github%2ecom",
    "github.com:99999",
    "https://",
    "javascript:alert(1)",
    "a?b",
    "a#b",
    ".",
  ])("refuses %j with a reason", (given) => {
    expect(normalizeGitHost(given)).toMatchObject({ ok: false, error: { code: "invalid_field", detail: /^host: / } });
  });
});

describe("hostOfGitUrl", () => {
  it("finds the host that a credential was stored for", () => {
    expect(hostOfGitUrl("https://GitHub.com:443/a/b.git")).toBe("github.com");
    expect(hostOfGitUrl("http://127.0.0.1:3000/a")).toBe("127.0.0.1:3000");
  });

  it("finds none for another protocol or for an address that hides another host", () => {
    expect(hostOfGitUrl("https://github.com@evil.example/a")).toBeNull();
    expect(hostOfGitUrl("ssh://github.com/a")).toBeNull();
    expect(hostOfGitUrl("../shop.git")).toBeNull();
    expect(hostOfGitUrl("https://github.com.evil.example/a")).toBe("github.com.evil.example");
  });
});
