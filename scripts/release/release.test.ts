// A release in a small repository of its own: the texts of this one, and a Worker that is not built.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root as repository } from "../steps.ts";
import { listReleases, readRelease } from "./bundle.ts";
import { makeRelease } from "./release.ts";
import { chooseVersion, closeUnreleased, versionPlaces } from "./texts.ts";

const day = "2026-12-24";
const bundle = async () => "export default {};\n";

describe("a version", () => {
  it.each([
    ["patch", "1.2.4"],
    ["minor", "1.3.0"],
    ["major", "2.0.0"],
    ["1.10.0", "1.10.0"],
  ])("after 1.2.3 that is given as %s is %s", (wanted, version) =>
    expect(chooseVersion("1.2.3", wanted)).toBe(version),
  );

  it.each([
    ["1.2.3", /not higher/],
    ["1.1.9", /not higher/],
    ["v1.3.0", /no version/],
    ["1.3", /no version/],
    ["01.3.0", /no version/],
    ["../../x", /no version/],
  ])("is refused as %s", (wanted, words) => expect(() => chooseVersion("1.2.3", wanted)).toThrow(words));
});

describe("the changelog", () => {
  const text = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n";

  it("gets a heading for what was unreleased, and an empty one above", () => {
    expect(closeUnreleased(text, "0.2.0", day)).toBe(
      text.replace("## [Unreleased]\n", `## [Unreleased]\n\n## [0.2.0] - ${day}\n`),
    );
  });

  it.each([
    ["says nothing", "## [Unreleased]\n\n### Added\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n", /says of nothing/],
    ["has no such heading", "# Changelog\n", /no heading/],
    ["has the version", text.replace("0.1.0", "0.2.0"), /already/],
  ])("that %s is refused", (_, given, words) => expect(() => closeUnreleased(given, "0.2.0", day)).toThrow(words));
});

describe("a release", () => {
  let root: string;
  const read = (path: string) => readFile(join(root, path), "utf8");

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "taskloom-released-"));
    await mkdir(join(root, "src/http"), { recursive: true });
    for (const path of [...Object.keys(versionPlaces), "CHANGELOG.md", "wrangler.toml", "migrations"])
      await cp(join(repository, path), join(root, path), { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("names its version everywhere and keeps its Worker, and the two newest Workers stay", async () => {
    for (const version of ["7001.0.0", "7001.1.0", "7001.2.0"]) {
      await writeUnreleased(root);
      await makeRelease({ root, wanted: version, day, bundle });
    }
    expect(await listReleases(root)).toEqual(["7001.2.0", "7001.1.0"]);
    for (const path of Object.keys(versionPlaces))
      expect([path, await read(path)]).toEqual([path, expect.stringContaining("7001.2.0")]);
    expect((await read("package-lock.json")).match(/"version": "7001\.2\.0"/g)).toHaveLength(2);
    expect(JSON.parse(await read("package.json"))).toMatchObject({ version: "7001.2.0" });
    expect(await read("CHANGELOG.md")).toContain(`## [Unreleased]\n\n## [7001.2.0] - ${day}\n\n- A thing.`);
    expect(await readRelease(root, "7001.2.0")).toMatchObject({ manifest: { bytes: 19 }, script: await bundle() });
  });

  it("whose Worker can't be built leaves every text as it was", async () => {
    const texts = () => Promise.all([...Object.keys(versionPlaces), "CHANGELOG.md"].map(read));
    await writeUnreleased(root);
    const before = await texts();
    const failing = () => Promise.reject(new Error("no"));
    await expect(makeRelease({ root, wanted: "7001.0.0", day, bundle: failing })).rejects.toThrow("no");
    expect([await texts(), await listReleases(root)]).toEqual([before, []]);
  });

  it("without a version keeps the Worker and changes no text", async () => {
    const before = await read("CHANGELOG.md");
    const { version, changed } = await makeRelease({ root, wanted: null, day, bundle });
    expect(changed).toEqual([`test/releases/${version}`]);
    expect(await read("CHANGELOG.md")).toBe(before);
  });
});

async function writeUnreleased(root: string): Promise<void> {
  const path = join(root, "CHANGELOG.md");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace("## [Unreleased]\n", "## [Unreleased]\n\n- A thing.\n"));
}
