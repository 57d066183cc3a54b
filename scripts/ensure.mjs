// Runs before every npm script, with whatever Node the machine has (20 or newer). Installs the lockfile's packages if
// they are not installed yet, then checks that the Node on PATH can run the project. Silent and without network when
// nothing is to be done. On Linux the lockfile brings its own Node into node_modules/.bin, which npm puts first on
// PATH.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockfile = join(root, "package-lock.json");
const packages = join(root, "node_modules");
const installed = join(packages, ".package-lock.json");
// The hash of the installed lockfile: a checkout that only touches the file must not cost an installation.
const stamp = join(packages, ".taskloom-lock");
// A second worktree may borrow the packages of the first. `npm ci` empties the folder that it fills, also behind a link.
const isBorrowed = lstatSync(packages, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
// From 22.18 Node runs TypeScript by itself.
const oldestNode = [22, 18];

const hash = createHash("sha256").update(readFileSync(lockfile)).digest("hex");
if (!isInstalled()) {
  if (isBorrowed) refuse();
  install();
}
checkNode();

function isInstalled() {
  if (!existsSync(installed)) return false;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return true;
  // Newer than the lockfile: `npm install` has just written both.
  if (statSync(installed).mtimeMs < statSync(lockfile).mtimeMs) return false;
  if (!isBorrowed) writeFileSync(stamp, hash);
  return true;
}

function refuse() {
  const owner = existsSync(packages) ? ` to ${realpathSync(packages)}` : " that leads nowhere";
  console.error(`node_modules is a symbolic link${owner}, and does not hold what package-lock.json names.`);
  console.error("Taskloom installs nothing through a link, since that would empty the other folder.");
  console.error("Install there, or give this folder its own packages: rm node_modules && npm ci");
  process.exit(1);
}

function install() {
  console.error("Installing dependencies (once; about half a minute)…");
  const cli = process.env.npm_execpath ?? "";
  const isNpm = cli.endsWith("npm-cli.js");
  const options = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = spawnSync(isNpm ? process.execPath : "npm", isNpm ? [cli, ...options] : options, {
    cwd: root,
    // npm's output must not reach standard output, which belongs to the command that runs next.
    stdio: ["ignore", 2, 2],
    shell: !isNpm && process.platform === "win32",
  });
  if (result.status !== 0) {
    console.error("The dependencies could not be installed: `npm ci` failed (see above).");
    process.exit(1);
  }
  writeFileSync(stamp, hash);
}

function checkNode() {
  const path = `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`;
  const result = spawnSync("node", ["--version"], { env: { ...process.env, PATH: path }, encoding: "utf8" });
  const version = (result.stdout ?? "").trim().replace(/^v/, "");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  console.error(`Taskloom needs Node ${oldestNode.join(".")} or newer; the one on PATH is ${version || "missing"}.`);
  process.exit(1);
}
