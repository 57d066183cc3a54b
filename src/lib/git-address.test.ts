import { describe, expect, it } from "vitest";
import { isBranchName, readGitAddress, whyNoCheckout } from "./git-address.ts";

describe("readGitAddress", () => {
  it.each([
    ["https://github.com/a/shop", "https://github.com/a/shop", [], "shop"],
    [" https://GitHub.com/a/shop.git/ ", "https://github.com/a/shop.git", [], "shop"],
    ["github.com/a/shop", "https://github.com/a/shop", [], "shop"],
    ["git.example.com:8443/a/shop", "https://git.example.com:8443/a/shop", [], "shop"],
    ["http://localhost:3000/a/shop.git", "http://localhost:3000/a/shop.git", [], "shop"],
    ["git@github.com:a/shop.git", "https://github.com/a/shop.git", [], "shop"],
    ["ssh://git@git.example.com:2222/a/shop.git", "https://git.example.com/a/shop.git", [], "shop"],
    ["https://github.com/a/shop/tree/main", "https://github.com/a/shop", ["main"], "shop"],
    ["https://github.com/a/shop/tree/fix/login?x=1#L3", "https://github.com/a/shop", ["fix/login", "fix"], "shop"],
    ["https://github.com/a/shop/blob/main/README.md", "https://github.com/a/shop", ["main/README.md", "main"], "shop"],
    ["https://gitlab.com/g/sub/shop/-/tree/v1%2E0", "https://gitlab.com/g/sub/shop", ["v1.0"], "shop"],
    ["https://gitlab.com/g/shop/-/issues/3", "https://gitlab.com/g/shop", [], "shop"],
    ["https://bitbucket.org/a/shop/src/dev/lib/", "https://bitbucket.org/a/shop", ["dev/lib", "dev"], "shop"],
    ["https://codeberg.org/a/shop/src/branch/dev", "https://codeberg.org/a/shop", ["dev"], "shop"],
    ["https://gitlab.com/g/sub/src/shop", "https://gitlab.com/g/sub/src/shop", [], "shop"],
    ["https://git.example.com/scm/tree/shop.git", "https://git.example.com/scm/tree/shop.git", [], "shop"],
    ["https://git.example.com/..%2f..%2fetc", "https://git.example.com/..%2f..%2fetc", [], "etc"],
    ["https://git.example.com/%2e%2egit", "https://git.example.com/%2e%2egit", [], "repository"],
  ])("reads %s", (given, url, branches, name) => {
    expect(readGitAddress(given)).toEqual({ url, branches, name });
  });

  it.each(["", "https://", "https://github.com", "file:///etc", "ext::sh -c id", "https://a b/c", "-oProxy=x /a"])(
    "refuses %j with a reason",
    (given) => {
      expect(readGitAddress(given)).toEqual({ wrong: expect.any(String) });
    },
  );

  it.each(["/home/ann/bare.git", "//x/y", "./bare.git", "../bare.git", "~/bare.git", "file:///srv/bare.git"])(
    "takes the path %s for no host, and says what clones it",
    (given) => expect(readGitAddress(given)).toEqual({ wrong: expect.stringMatching(/is a path.*`git clone PATH`/) }),
  );

  it("refuses an address with a password and never repeats the password", () => {
    const read = readGitAddress("https://ada:canary@github.com/a/b");
    expect(read).toEqual({ wrong: expect.stringContaining("leave them out") });
    expect(JSON.stringify(read)).not.toContain("canary");
  });
});

describe("isBranchName", () => {
  it.each(["main", "fix/login", "v1.0", "日本", "a-b_c"])("takes %s", (name) => expect(isBranchName(name)).toBe(true));
  it.each([
    "",
    "-f",
    "a b",
    "a..b",
    "/a",
    "a/",
    "a//b",
    "a.lock",
    ".a",
    "a/.b",
    "a~1",
    "a:b",
    "@",
    "a@{1}",
    "a\nb",
    "--x/y",
    "HEAD",
  ])("refuses %j", (name) => expect(isBranchName(name)).toBe(false));
});

describe("whyNoCheckout", () => {
  it.each(["shop", "src/店 铺", "-x", "~/shop", "/srv/shop", "./a.git"])("takes %s", (path) =>
    expect(whyNoCheckout(path)).toBeNull(),
  );
  it.each([".", "./", "/", "~", "..", "../x", "a/../..", "a/.git", ".GIT/hooks", "a\nb", " a", "a\0"])(
    "refuses %j",
    (path) => expect(whyNoCheckout(path)).toEqual(expect.any(String)),
  );
});
