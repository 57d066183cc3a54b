import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readGlob } from "./glob.ts";
import { isWithin, normalizePath, parentOf, resolvePath, showPath } from "./paths.ts";

const folders = { work: "/home/user/project", home: "/home/user" };

describe("resolvePath", () => {
  it("resolves relative paths from the work dir, `~` from the home folder and absolute paths from the root", () => {
    expect(resolvePath("", folders)).toBe("/home/user/project");
    expect(resolvePath("./a//b/../c", folders)).toBe("/home/user/project/a/c");
    expect(resolvePath("~", folders)).toBe("/home/user");
    expect(resolvePath("~/x", folders)).toBe("/home/user/x");
    expect(resolvePath("~x", folders)).toBe("/home/user/project/~x");
    expect(resolvePath("/etc/../x", folders)).toBe("/x");
  });

  it("never resolves a relative path to a place outside the work dir", () => {
    const part = fc.constantFrom("..", ".", "a", "", "...", "b c");
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        const path = parts.join("/").trim();
        if (path.startsWith("/")) return;
        let resolved: string;
        try {
          resolved = resolvePath(path, folders);
        } catch {
          expect(isWithin(normalizePath(`${folders.work}/${path}`), folders.work)).toBe(false);
          return;
        }
        expect(isWithin(resolved, folders.work)).toBe(true);
      }),
    );
  });

  it("is reversed by showPath", () => {
    for (const path of ["a", "a/b c", "中/文.txt"]) expect(showPath(resolvePath(path, folders), folders)).toBe(path);
    expect(showPath("/etc/passwd", folders)).toBe("/etc/passwd");
    expect(parentOf("/a/b")).toBe("/a");
    expect(parentOf("/a")).toBe("/");
  });
});

describe("readGlob", () => {
  const fits = (glob: string, path: string) => readGlob(glob).fitsFolders(path);

  it("separates the base name from the folders, and matches the folders itself", () => {
    expect(readGlob("src/**/*.ts").base).toBe("*.ts");
    expect(fits("*.ts", "any/where/a.ts")).toBe(true);
    expect(fits("**/*.ts", "a.ts")).toBe(true);
    expect(fits("src/**/*.ts", "src/a.ts")).toBe(true);
    expect(fits("src/**/*.ts", "src/b/c/a.ts")).toBe(true);
    expect(fits("src/**/*.ts", "lib/src/a.ts")).toBe(false);
    expect(fits("src/*/*.ts", "src/a.ts")).toBe(false);
    expect(fits("s?c.d/*.ts", "src.d/a.ts")).toBe(true);
    expect(fits("s?c.d/*.ts", "srcxd/a.ts")).toBe(false);
  });

  it("refuses what is not a pattern, and patterns that would take long", () => {
    for (const glob of ["", "/", "../*.ts", "*".repeat(300), "a*b*c*d*e*f*g*h*i*j"])
      expect(() => readGlob(glob)).toThrow(/usable/);
  });

  it("matches fast against a long path that nearly fits", () => {
    const path = `${"a/".repeat(2000)}b`;
    expect(fits("**/a/**/a/**/a/**/c/x", path)).toBe(false);
  });
});
