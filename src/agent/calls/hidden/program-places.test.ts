// Places that make programs run whatever the file is called.
import { describe, expect, it } from "vitest";
import type { SandboxPlace } from "../../sandbox.ts";
import { findRunnerOf, type Runner } from "./program-files.ts";

describe("a place in the sandbox", () => {
  const around = {
    work: "/home/dev",
    home: "/home/dev",
    search_path: ["/usr/bin", "/data/tools/bin"],
  };
  const at = (real: string | null, is_tree = false, role: SandboxPlace["role"] = null) =>
    findRunnerOf({ real, role }, around, is_tree);

  it.each<[string, string, boolean, Runner | null]>([
    ["a file of the project", "/home/dev/shop/bin/cli.js", false, null],
    ["a folder of the project with a name of the system's", "/home/dev/proc/a.ts", false, null],
    ["data elsewhere", "/mnt/data/a.csv", false, null],
    ["a temporary file", "/tmp/a/b", false, null],
    ["a repository's settings", "/home/dev/shop/.git/config", false, "git"],
    ["a program of the home", "/home/dev/bin/git", false, "path"],
    ["a program that Go has installed", "/home/dev/go/bin/x", false, "path"],
    ["settings of npm for the home", "/home/dev/.npmrc", false, "start"],
    ["settings of npm for a project", "/home/dev/shop/.npmrc", false, null],
    ["what brings programs of Go", "/home/dev/go", true, "path"],
    ["a folder of programs", "/data/tools/bin/git", false, "path"],
    ["what brings a folder of programs", "/data/tools", true, "path"],
    ["a file beside it", "/data/tools/readme", false, null],
    ["the home folder as a whole", "/home/dev", true, "home"],
    ["what brings the home folder", "/home", true, "home"],
    ["a file of the system", "/etc/profile.d/a.sh", false, "system"],
    ["a program of the system", "/usr/local/bin/git", false, "system"],
    ["a file of the root folder", "/rust-toolchain.toml", false, "system"],
  ])("is %s", (_, real, is_tree, runner) => {
    expect(at(real, is_tree)).toBe(runner);
  });

  it("is one in a folder that PATH names from wherever a command starts", () => {
    const find = (real: string, folder: string, is_tree = false) =>
      findRunnerOf({ real, role: null }, { ...around, search_path: [folder] }, is_tree);
    expect(find("/home/dev/shop/node_modules/.bin/git", "./node_modules/.bin")).toBe("path");
    expect(find("/home/dev/shop/node_modules/.bin/git", "../node_modules/.bin/")).toBe("path");
    expect(find("/home/dev/shop/node_modules", "node_modules/.bin", true)).toBe("path");
    expect(find("/home/dev/shop/git", ".")).toBe("path");
    expect(find("/home/dev/shop/node_modules/a.js", "node_modules/.bin")).toBeNull();
    expect(find("/home/dev/shop/src/a.ts", "node_modules/.bin")).toBeNull();
    expect(find("/home/dev/shop/src", "node_modules/.bin", true)).toBeNull();
  });

  it("is one of the system also for a user whose home is the root", () => {
    const there = { work: "/app", home: "/", search_path: ["/usr/bin"] };
    const find = (real: string) => findRunnerOf({ real, role: null }, there, false);
    for (const path of [
      "/etc/profile.d/a.sh",
      "/etc/ld.so.preload",
      "/usr/lib/git-core/git-status",
      "/.newrc",
      "/bin/sh",
    ])
      expect(find(path), path).not.toBeNull();
    expect([find("/app/src/a.ts"), find("/app/.prettierrc"), find("/data/a.csv"), find("/tmp/a/b")]).toEqual([
      ...[null, null, null, null],
    ]);
  });

  it("counts by what git says of it, and when nobody can say where it is", () => {
    expect(at("/home/dev/meta/config", false, "git_dir")).toBe("git");
    expect(at("/home/dev/shop/tools/x", false, "hook")).toBe("hook");
    expect(at("/home/dev/shop/shared.ini", false, "settings")).toBe("git");
    expect(at("/tmp/box/1/in", false, "pipe")).toBe("pipe");
    expect(at("/home/dev/env.sh", false, "start")).toBe("start");
    expect(at(null)).toBe("unknown");
  });

  it("is any setting of a home that is not the work dir", () => {
    const there = { work: "/home/u/app", home: "/home/u", search_path: [] };
    const find = (real: string) => findRunnerOf({ real, role: null }, there, false);
    expect([find("/home/u/.unheard-of/x"), find("/home/u/.newrc")]).toEqual(["start", "start"]);
    expect([find("/home/u/app/.newrc"), find("/home/u/data/.x")]).toEqual([null, null]);
  });

  it("does not count by the folder that the work dir is in, be it one of the system or of settings", () => {
    for (const work of ["/usr/src/app", "/opt/app", "/home/u/.local/state/box"]) {
      const there = { work, home: "/home/u", search_path: [] };
      expect(findRunnerOf({ real: `${work}/src/a.ts`, role: null }, there, false)).toBeNull();
      expect(findRunnerOf({ real: `${work}/.git/config`, role: null }, there, false)).toBe("git");
    }
  });
});
