/**
 * Isolates sandboxes from this machine.
 *
 * With bubblewrap a sandbox has its own mount, pid, ipc, uts, user and network namespaces. It sees the system's
 * programs read-only, its own folder as /home/daytona, its own /tmp (and / if it was built), and
 * nothing else of the disk. Its network is a loopback interface of its own: code in it can't reach the services of this
 * machine, and every sandbox has its own port 3000. Previews enter through the keeper, which runs in the same
 * namespaces. Killing bubblewrap's first process ends every process of the pid namespace, and `--die-with-parent` does
 * so however the server dies.
 *
 * Without bubblewrap, commands are plain processes of this machine's user.
 */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { chmod, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export type Isolation = "bubblewrap" | "none";

interface IsolationReport {
  isolation: Isolation;
  /** Why there is no isolation, in words for a person. */
  reason: string | undefined;
}

/** A machine on which the probe takes longer can't run sandboxes either. */
const probeTimeoutMs = 10_000;
const sandboxUserId = "1000";
export const sandboxHome = "/home/daytona";
export const keeperFolder = "/opt/daytona/keeper";
export const keeperProgram = "/opt/daytona/daytona";
const gitHelperProgram = "/opt/daytona/libexec/git-remote-http";
export const socketFolder = "/run/daytona";
export const sandboxPath = "/opt/daytona/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export async function probeIsolation(stateDirectory: string): Promise<IsolationReport> {
  if (process.platform !== "linux") return { isolation: "none", reason: "bubblewrap needs Linux" };
  try {
    const etc = await writeSystemFiles(stateDirectory);
    // Uses a sandbox's own arguments: if the kernel or container forbids one of them, it fails here.
    await run("bwrap", [...systemArguments(etc), "--", "/bin/sh", "-c", "true"], { timeout: probeTimeoutMs });
    return { isolation: "bubblewrap", reason: undefined };
  } catch (error) {
    return { isolation: "none", reason: describeProbeFailure(error) };
  }
}

function describeProbeFailure(error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "ENOENT")
    return "bubblewrap (bwrap) is not installed";
  const text = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
  return `bubblewrap does not work here: ${text.split("\n")[0] || "it could not be started"}`;
}

/** Looked up here because bubblewrap is started with the sandbox's own PATH. */
export function findBubblewrap(): string {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, "bwrap")).find(existsSync) ?? "bwrap";
}

/** The few files of /etc that programs expect, written for the sandbox rather than shown from this machine. */
export async function writeSystemFiles(stateDirectory: string): Promise<string> {
  const folder = join(stateDirectory, "etc");
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const files: Record<string, string> = {
    passwd: `root:x:0:0:root:/root:/bin/sh\ndaytona:x:${sandboxUserId}:${sandboxUserId}:daytona:${sandboxHome}:/bin/bash\n`,
    group: `root:x:0:\ndaytona:x:${sandboxUserId}:\n`,
    hosts: "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
    shells: "/bin/sh\n/bin/bash\n",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o644 });
  return folder;
}

export function sandboxArguments(options: { etc: string; folder: string; sockets: string; keeper: string }): string[] {
  const root = rootArguments(options.folder);
  return [
    ...root.first,
    ...systemArguments(options.etc),
    ...["--dir", "/opt/daytona/bin"],
    ...["--ro-bind", process.execPath, keeperProgram],
    ...["--ro-bind", process.execPath, "/opt/daytona/bin/node"],
    ...["--ro-bind", options.keeper, keeperFolder],
    ...terminalLibrary(),
    ...gitHelpers(options.keeper),
    ...["--ro-bind", options.sockets, socketFolder],
    ...["--bind", join(options.folder, "home"), sandboxHome],
    ...["--bind", join(options.folder, "tmp"), "/tmp"],
    ...root.last,
    ...["--chdir", sandboxHome],
  ];
}

/** The terminal library, mounted where the keeper's import finds it. Without it, everything but terminals works. */
function terminalLibrary(): string[] {
  const { resolve } = createRequire(import.meta.url);
  const names = ["@lydell/node-pty", `@lydell/node-pty-${process.platform}-${process.arch}`];
  try {
    return names.flatMap((name) => {
      const folder = dirname(resolve(`${name}/package.json`));
      return ["--ro-bind", folder, `/opt/daytona/node_modules/${name}`];
    });
  } catch {
    return [];
  }
}

/**
 * git reaches remotes through a helper, in whose place ours is mounted: it asks for the password as git's own does, and
 * sends requests through the relay (`relay.ts`). git's own does the rest, and needs a place of its own.
 */
function gitHelpers(keeper: string): string[] {
  gitFolder ??= findGitFolder();
  const own = join(gitFolder, "git-remote-http");
  if (gitFolder === "" || !existsSync(own)) return [];
  const names = ["git-remote-http", "git-remote-https"].filter((name) => {
    const stats = lstatSync(join(gitFolder ?? "", name), { throwIfNoEntry: false });
    return stats?.isFile();
  });
  const ours = names.flatMap((name) => ["--ro-bind", join(keeper, "git-remote-http"), join(gitFolder ?? "", name)]);
  return ["--ro-bind", own, gitHelperProgram, ...ours];
}

let gitFolder: string | undefined;

function findGitFolder(): string {
  try {
    const folder = execFileSync("git", ["--exec-path"], { encoding: "utf8", timeout: probeTimeoutMs }).trim();
    return folder.startsWith("/usr/") ? folder : "";
  } catch {
    return "";
  }
}

/**
 * Arguments for `cp` alone: it can read and write two folders and nothing else. It also copies files whose permissions
 * exclude their own owner.
 */
function copyArguments(etc: string, from: string, to: string): string[] {
  const folders = ["--ro-bind", from, "/from", "--bind", to, "/to", "--remount-ro", "/"];
  return [...systemArguments(etc), ...folders, "--cap-add", "CAP_DAC_OVERRIDE"];
}

function systemArguments(etc: string): string[] {
  return [
    ...["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try"],
    ...["--die-with-parent", "--new-session", "--hostname", "sandbox"],
    ...["--uid", sandboxUserId, "--gid", sandboxUserId, "--setenv", "PATH", sandboxPath],
    ...["--ro-bind", "/usr", "/usr"],
    ...["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].flatMap(mirrorFolder),
    ...["--proc", "/proc", ...kernelSwitches.flatMap((path) => ["--ro-bind-try", path, path])],
    ...["--dev", "/dev", "--tmpfs", "/run", "--symlink", "/tmp", "/var/tmp"],
    ...systemFiles(etc),
  ];
}

/**
 * These have no namespace of their own, and to the kernel a sandbox that root started is root. Without the read-only
 * mounts a command could write /proc/sys/kernel/core_pattern and so run a program outside.
 */
const kernelSwitches = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/acpi", "/proc/pressure"];

/** On most systems these are links into /usr. */
function mirrorFolder(path: string): string[] {
  if (!existsSync(path)) return [];
  if (lstatSync(path).isSymbolicLink()) return ["--symlink", readlinkSync(path), path];
  return ["--ro-bind", path, path];
}

/** Not all of /etc: if root runs this server, the sandbox could read files that only root may read. */
const sharedSystemFiles = [
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/alternatives",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
  "/etc/ca-certificates",
  "/etc/pki/tls/certs",
  "/etc/pki/ca-trust/extracted",
  "/etc/localtime",
  "/etc/mime.types",
];

function systemFiles(etc: string): string[] {
  const own = ["passwd", "group", "hosts", "nsswitch.conf", "resolv.conf", "shells"];
  return [
    ...own.flatMap((name) => ["--ro-bind", join(etc, name), `/etc/${name}`]),
    ...sharedSystemFiles.flatMap((path) => ["--ro-bind-try", path, path]),
  ];
}

export interface Limits {
  /** As the client asked for them, in GiB. */
  memory: number;
  disk: number;
}

/** Counted by the keeper. Builds with a worker per core and their helpers stay far below. */
export const maxProcesses = 1_024;

/**
 * The kernel's limit. It counts threads too, and before Linux 5.14 also the user's processes outside of the sandbox.
 */
const maxThreads = 8_192;

/** The minimum of writable data. Less would end programs that reserve generously, such as node with its threads. */
const minMemory = 8;

/** oom_score_adj from 0 to 1,000; a usual process has 0. */
const endsFirst = 500;

const gibiKilobytes = 1024 * 1024;
/** The unit of `ulimit -f` in every POSIX shell. */
const gibiBlocks = 2 * 1024 * 1024;

/**
 * Each limit is set separately: where one is already lower, or unknown to this shell (`-u` is `-p` in dash), the others
 * still apply.
 */
const script = `ulimit -c 0; ulimit -d "$1"; ulimit -f "$2"; ulimit -u "$3" || ulimit -p "$3"
echo ${endsFirst} >/proc/self/oom_score_adj; shift 3; exec "$@"`;

export function limitedCommand({ memory, disk }: Limits, command: string[]): [program: string, args: string[]] {
  const limits = [Math.max(memory, minMemory) * gibiKilobytes, disk * gibiBlocks, maxThreads].map(String);
  return ["/bin/sh", ["-c", script, "sandbox", ...limits, ...command]];
}

/** Folders of a sandbox beside `home` and `tmp`: for /, and for /usr/src, where node's own image has its app. */
export const rootFolder = "root";
export const sourceFolder = "src";

const sourcePath = "/usr/src";
/** Every image has these, and commands write to them without creating them. */
const usual = ["media", "mnt", "opt", "root", "srv", "var/cache", "var/lib", "var/log"];
/** These contain both mount points and the sandbox's own files. */
const parents = ["home", "opt", "var"];
/** These contain nothing of the sandbox's. */
const mounted = [
  ...["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "proc", "dev", "run", "etc", "tmp"],
  ...["home/daytona", "opt/daytona", "var/tmp"],
];

export async function openRoot(folder: string): Promise<void> {
  for (const name of [sourceFolder, ...usual.map((path) => join(rootFolder, path))]) {
    await mkdir(join(folder, name), { recursive: true, mode: 0o755 });
  }
}

export function hasRoot(folder: string): boolean {
  return existsSync(join(folder, rootFolder));
}

export async function prepareRoot(folder: string): Promise<void> {
  if (!hasRoot(folder)) return;
  const root = join(folder, rootFolder);
  // The sandbox may have removed its owner's permissions.
  await chmod(root, 0o755);
  for (const name of parents) {
    const path = join(root, name);
    const isFolder = await lstat(path)
      .then((stats) => stats.isDirectory())
      .catch(() => false);
    if (!isFolder) await removeTree(path);
    await mkdir(path, { recursive: true });
    await chmod(path, 0o755);
  }
  for (const name of mounted) await removeTree(join(root, name));
}

/** `first` is mounted below the system's folders, `last` above them. A folder without a root of its own has neither. */
function rootArguments(folder: string): { first: string[]; last: string[] } {
  if (!hasRoot(folder)) return { first: [], last: ["--remount-ro", "/"] };
  const hasSource = lstatSync(sourcePath, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return {
    first: ["--bind", join(folder, rootFolder), "/", "--tmpfs", "/etc", "--tmpfs", "/opt/daytona"],
    last: [
      ...(hasSource ? ["--bind", join(folder, sourceFolder), sourcePath] : []),
      ...["--remount-ro", "/etc", "--remount-ro", "/opt/daytona"],
    ],
  };
}

/** Some gigabytes on a slow disk. */
const copyTimeoutMs = 300_000;

export interface CopyOptions {
  isolation: Isolation;
  etc: string;
}

/**
 * Copies the content of one folder into another, in a namespace that shows nothing else. A running sandbox may
 * meanwhile replace a folder with a link, which outside would lead anywhere on this machine.
 */
export async function copyTree(from: string, to: string, { isolation, etc }: CopyOptions): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const copy = ["cp", "-a", "--reflink=auto"];
  const [program, args] =
    isolation === "bubblewrap"
      ? ["bwrap", [...copyArguments(etc, from, to), "--", ...copy, "/from/.", "/to/"]]
      : ["cp", [...copy.slice(1), `${from}/.`, `${to}/`]];
  try {
    await run(program, args, { timeout: copyTimeoutMs, killSignal: "SIGKILL" });
  } catch {
    throw new Error("its files could not be copied");
  }
}

/** Commands may leave folders whose owner can't enter them; those are opened first. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await run("chmod", ["-R", "u+rwX", path]).catch(() => undefined);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}
