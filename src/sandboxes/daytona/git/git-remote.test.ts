import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { readInspection, writeInspection } from "./git-remote.ts";

const base = mkdtempSync(join(tmpdir(), "taskloom-inspection-"));
const home = join(base, "home");
const shop = join(home, "it's a shop");
const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: "1" };
const URL_OF_SHOP = "https://github.com/a/shop.git";

function sh(command: string, folder: string, path = env.PATH): string {
  return execFileSync("/bin/sh", ["-c", command], { cwd: folder, env: { ...env, PATH: path }, encoding: "utf8" });
}

const inspect = (folder: string) => readInspection(sh(writeInspection(folder), base));

function remoteOf(folder = shop) {
  const found = inspect(folder);
  return found.kind === "repository" ? found.repository.remote : null;
}

beforeEach(() => {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(shop, "src"), { recursive: true });
  sh(`git init -q -b fix/one && git remote add origin ${URL_OF_SHOP}`, shop);
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("the inspection of a repository", () => {
  it("finds it from a folder inside, with its branch, its remote and its author", () => {
    sh("git config user.name 'Ada L'; git config user.email ada@example.com", shop);
    expect(inspect(join(shop, "src"))).toEqual({
      kind: "repository",
      repository: {
        root: shop,
        branch: "fix/one",
        remote: { url: URL_OF_SHOP, push_urls: [URL_OF_SHOP] },
        author: "Ada L",
        email: "ada@example.com",
        under_way: null,
      },
    });
  });

  it("finds the branch of an additional work tree, and of a submodule", () => {
    const commit = "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x";
    sh(`${commit}; git worktree add -q ../beside -b fix/two; git init -q -b deep below; cd below; ${commit}`, shop);
    sh("git -c protocol.file.allow=always submodule --quiet add ./below && git submodule --quiet absorbgitdirs", shop);
    for (const [folder, branch] of [
      [join(home, "beside"), "fix/two"],
      [join(shop, "below"), "deep"],
    ] as const)
      expect(inspect(folder)).toMatchObject({ repository: { root: folder, branch } });
  });

  it("lists the repositories in a folder that is not one, and reports a missing folder", () => {
    expect(inspect(home)).toEqual({ kind: "none", repositories: ["it's a shop"] });
    expect(inspect(join(home, "nothing"))).toEqual({ kind: "missing" });
    expect(inspect("-P")).toEqual({ kind: "missing" });
  });

  it("has no remote if none is configured", () => {
    sh("git remote remove origin", shop);
    expect(remoteOf()).toBeNull();
  });

  it("leaves the remote's URL empty if git is not installed", () => {
    const tools = join(base, "tools");
    mkdirSync(tools, { recursive: true });
    for (const name of ["sh", "sed", "head", "dirname"]) {
      writeFileSync(join(tools, name), `#!/bin/sh\nexec /usr/bin/${name} "$@"\n`, { mode: 0o755 });
    }
    const found = readInspection(sh(writeInspection(shop), base, tools));
    expect(found).toMatchObject({ kind: "repository", repository: { branch: "fix/one", remote: { url: "" } } });
  });

  it.each([
    ["git config url.https://b.example/.insteadOf https://github.com/", "https://b.example/a/shop.git", null],
    ["git config --global url.https://b.example/.insteadOf https://github.com/", "https://b.example/a/shop.git", null],
    [
      "git config url.https://b.example/.pushInsteadOf https://github.com/",
      URL_OF_SHOP,
      ["https://b.example/a/shop.git"],
    ],
    ["git remote set-url --push origin https://b.example/", URL_OF_SHOP, ["https://b.example/"]],
    ["git remote set-url --add origin https://b.example/", URL_OF_SHOP, [URL_OF_SHOP, "https://b.example/"]],
    ["git config remote.origin.url 'https://a.example/\nhttps://b.example/'", "https://a.example/", null],
    ["git config url.https://b.example/.insteadOf https://gitlab.com/", URL_OF_SHOP, null],
  ])("says where git would go after %s", (trick, url, push_urls) => {
    sh(trick, shop);
    expect(remoteOf()).toMatchObject({ url, ...(push_urls && { push_urls }) });
  });
});
