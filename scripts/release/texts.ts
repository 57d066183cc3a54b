// What a release changes in texts: the version wherever it is written, and the changelog's heading. Pure, so that all of
// it is known before the first file is written.

/** The files that name the version, each with the words around it. */
export const versionPlaces: Record<string, (version: string) => string> = {
  "package.json": (version) => `"version": "${version}",`,
  "package-lock.json": (version) => `"name": "taskloom",\n  "version": "${version}",`,
  "src/http/version.ts": (version) => `VERSION = "${version}"`,
  "README.md": (version) => `version ${version}`,
  "README.zh-CN.md": (version) => `当前版本 ${version}`,
};

const UNRELEASED = "## [Unreleased]\n";

/** `patch`, `minor`, `major`, or a version that is higher than the current one. Throws with a message for people. */
export function chooseVersion(current: string, wanted: string): string {
  const now = readNumbers(current);
  if (now === null) throw new Error(`package.json has the version ${current}, which is not three numbers`);
  const [major, minor, patch] = now;
  if (wanted === "patch") return `${major}.${minor}.${patch + 1}`;
  if (wanted === "minor") return `${major}.${minor + 1}.0`;
  if (wanted === "major") return `${major + 1}.0.0`;
  const next = readNumbers(wanted);
  if (next === null)
    throw new Error(`"${wanted}" is no version: give patch, minor, major or three numbers such as 1.2.0`);
  if (compareVersions(wanted, current) <= 0) throw new Error(`${wanted} is not higher than ${current}`);
  return wanted;
}

/** Below zero if the first is the lower one. */
export function compareVersions(one: string, other: string): number {
  const [major, minor, patch] = readNumbers(one) ?? [0, 0, 0];
  const [otherMajor, otherMinor, otherPatch] = readNumbers(other) ?? [0, 0, 0];
  return major - otherMajor || minor - otherMinor || patch - otherPatch;
}

export function isVersion(text: string): boolean {
  return readNumbers(text) !== null;
}

function readNumbers(version: string): [number, number, number] | null {
  const found = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/.exec(version);
  return found === null ? null : [Number(found[1]), Number(found[2]), Number(found[3])];
}

/** Gives what is unreleased a heading of its own. Throws if there is nothing, or the version has a heading. */
export function closeUnreleased(changelog: string, version: string, day: string): string {
  const at = changelog.indexOf(UNRELEASED);
  if (at < 0) throw new Error("CHANGELOG.md has no heading ## [Unreleased]");
  if (changelog.includes(`\n## [${version}]`)) throw new Error(`CHANGELOG.md has a heading for ${version} already`);
  const rest = changelog.slice(at + UNRELEASED.length);
  const [own = ""] = rest.split(/^## \[/m, 1);
  if (!/^\S/m.test(own.replaceAll(/^#.*$/gm, "")))
    throw new Error("CHANGELOG.md says of nothing that it is unreleased");
  return `${changelog.slice(0, at)}${UNRELEASED}\n## [${version}] - ${day}\n${rest}`;
}

/** Replaces the version in one file. Throws if the file does not name the current one where it should. */
export function replaceVersion(path: string, text: string, current: string, next: string): string {
  const place = versionPlaces[path];
  if (place === undefined) throw new Error(`${path} names no version`);
  if (!text.includes(place(current))) throw new Error(`${path} does not name the version ${current}`);
  const replaced = text.replace(place(current), () => place(next));
  // The lock file names it twice: of the file, and of the package in it.
  return path === "package-lock.json"
    ? replaced.replace(
        `"name": "taskloom",\n      "version": "${current}",`,
        () => `"name": "taskloom",\n      "version": "${next}",`,
      )
    : replaced;
}
