// Our scripts for files, with the machine's own programs and, where it is installed, with BusyBox's alone.
import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { defaultLimits } from "../client/limits.ts";
import type { ToolboxRequest } from "../client/toolbox.ts";
import { DaytonaFiles } from "./files.ts";
import { locatePaths } from "./places.ts";
import type { FilePorts } from "./scripts.ts";
import { findFiles } from "./search.ts";

const { signal } = new AbortController();
const root = mkdtempSync(join(tmpdir(), "taskloom-scripts-"));
const home = join(root, "home");
const busybox = (process.env.PATH ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "busybox"))
  .find(existsSync);

/** A folder in which every program is BusyBox. */
function makeBusybox(program: string): string {
  const folder = join(root, "busybox");
  mkdirSync(folder);
  for (const name of execFileSync(program, ["--list"], { encoding: "utf8" }).split("\n").filter(Boolean))
    symlinkSync(program, join(folder, name));
  return folder;
}

afterAll(() => rmSync(root, { recursive: true, force: true }));

const programs: [name: string, findPath: () => string][] = [
  ["the machine's own programs", () => process.env.PATH ?? ""],
  ...(busybox === undefined ? [] : [["BusyBox", () => makeBusybox(busybox)] as [string, () => string]]),
];

describe.each(programs)("with %s", (_name, findPath) => {
  let path: string;
  let more: string;
  let ports: FilePorts;
  let files: DaytonaFiles;
  /** What arrives of an upload; null for nothing. */
  let arrive: (bytes: Uint8Array) => Uint8Array | null;
  /** How often each request is made, as after a lost answer. */
  let attempts: number;

  function runShell(command: string): Promise<{ exitCode: number; result: string }> {
    return new Promise((resolve) =>
      execFile(
        "sh",
        ["-c", command],
        { cwd: home, env: { PATH: `${path}${more}`, HOME: home } },
        (error, stdout, stderr) => resolve({ exitCode: Number(error?.code ?? 0), result: stdout + stderr }),
      ),
    );
  }

  async function receive({ body, type }: ToolboxRequest): Promise<void> {
    const form = await new Response(body as ReadableStream, { headers: { "content-type": type ?? "" } }).formData();
    const bytes = arrive(new Uint8Array(await (form.get("files[0].file") as File).arrayBuffer()));
    if (bytes !== null) writeFileSync(String(form.get("files[0].path")), bytes);
  }

  const write = (name: string, text: string) => files.write(name, new TextEncoder().encode(text), signal);

  beforeAll(() => {
    path = findPath();
  });

  beforeEach(() => {
    more = "";
    rmSync(home, { recursive: true, force: true });
    mkdirSync(join(home, ".daytona/sessions"), { recursive: true });
    const sandbox = { id: "box", getWorkDir: async () => home, getUserHomeDir: async () => home };
    arrive = (bytes) => bytes;
    attempts = 1;
    const connection = {
      call: async (work: (known: unknown) => Promise<unknown>) => {
        for (let attempt = 1; attempt < attempts; attempt++) await work(sandbox);
        return work(sandbox);
      },
    };
    const toolbox = {
      open: async (_: unknown, { query }: ToolboxRequest) => new Response(readFileSync(query?.path ?? "")),
      ask: async (_: unknown, request: ToolboxRequest, read: (response: Response) => Promise<unknown>) => {
        if (request.path === "/files/download") return read(new Response(readFileSync(request.query?.path ?? "")));
        if (request.path === "/files/bulk-upload") return read(new Response(String(await receive(request))));
        return read(Response.json(await runShell((JSON.parse(String(request.body)) as { command: string }).command)));
      },
    };
    ports = { connection, toolbox, limits: defaultLimits } as unknown as FilePorts;
    files = new DaytonaFiles(ports);
  });

  it("lists names of any kind, level by level, without Daytona's folder", async () => {
    const odd = ["a\nb", "-n", "* ?", "'\"$x`", "文", " space ", "\\", "x\x1e1"];
    mkdirSync(join(home, "dir/.daytona"), { recursive: true });
    mkdirSync(join(home, "node_modules/p"), { recursive: true });
    mkdirSync(join(home, "dir/.git/objects"), { recursive: true });
    for (const name of odd) writeFileSync(join(home, name), "12");
    writeFileSync(join(home, "dir/.daytona/mine"), "1");
    writeFileSync(join(home, ".taskloom-upload-1"), "");
    symlinkSync("none", join(home, "dangling"));
    symlinkSync("dir", join(home, "link"));
    const { entries: all } = await files.list("", 3, signal);
    const shown = [
      "dangling",
      "dir",
      "dir/.daytona",
      "dir/.daytona/mine",
      "dir/.git",
      "link",
      "node_modules",
      ...odd.slice(0, -1),
    ];
    expect(all.map((entry) => entry.path)).toEqual(shown.sort((one, other) => (one < other ? -1 : 1)));
    expect(all.find((entry) => entry.path === "a\nb")).toMatchObject({ size: 2, is_dir: false });
    expect(all.find((entry) => entry.path === "link")).toMatchObject({ size: 0, is_dir: true });
    expect(Date.parse(all[0]?.modified_at ?? "")).toBeGreaterThan(Date.parse("2020-01-01"));
    const { entries } = await files.list("link", 1, signal);
    expect(entries.map((entry) => entry.path)).toEqual(["link/.daytona", "link/.git"]);
  });

  it("finds names of any kind, with folders before them or none, and nothing of ours", async () => {
    const find = (path: string, glob: string) => findFiles({ ...ports, files }, { path, glob }, signal);
    mkdirSync(join(home, "code/deep/node_modules/p"), { recursive: true });
    mkdirSync(join(home, "code/.git"));
    for (const name of [
      "a.ts",
      "a\nb.ts",
      "deep/c.ts",
      "deep/node_modules/p/d.ts",
      ".git/e.ts",
      ".taskloom-upload-f.ts",
    ])
      writeFileSync(join(home, "code", name), "");
    writeFileSync(join(home, ".daytona/sessions/g.ts"), "");
    symlinkSync("none", join(home, "code/link.ts"));
    expect(await find("", "*.ts")).toEqual(["code/a\nb.ts", "code/a.ts", "code/deep/c.ts", "code/link.ts"]);
    expect(await find("code", "**/[ac].ts")).toEqual(["code/a.ts", "code/deep/c.ts"]);
    expect(await find("", "code/*/*.ts")).toEqual(["code/deep/c.ts"]);
    expect(await find("", "node_modules")).toEqual(["code/deep/node_modules"]);
    expect(await find("code/deep/node_modules", "*")).toEqual([
      "code/deep/node_modules/p",
      "code/deep/node_modules/p/d.ts",
    ]);
    expect(await find(root, "sessions")).toEqual([]);
    symlinkSync(".daytona/sessions", join(home, "behind"));
    await expect(find("behind", "*")).rejects.toMatchObject({ code: "not_found" });
    await expect(files.list("behind", 1, signal)).rejects.toMatchObject({ code: "refused" });
    await expect(find("gone", "*")).rejects.toMatchObject({ code: "not_found" });
  });

  it("deletes all of a folder or nothing, also a read-only one, and nothing else", async () => {
    mkdirSync(join(home, "ro/in"), { recursive: true });
    writeFileSync(join(home, "ro/in/f"), "");
    chmodSync(join(home, "ro/in"), 0o555);
    await expect(files.delete("ro", false, signal)).rejects.toMatchObject({ code: "invalid" });
    await files.delete("ro", true, signal);
    await expect(files.delete("ro", true, signal)).rejects.toMatchObject({ code: "not_found" });
    symlinkSync(".", join(home, "self"));
    await files.delete("self", true, signal);
    expect(readdirSync(home)).toEqual([".daytona"]);
  });

  it("moves files, folders and links, and overwrites nothing", async () => {
    mkdirSync(join(home, "from"));
    writeFileSync(join(home, "from/f"), "1");
    symlinkSync("none", join(home, "dangling"));
    await files.move("from", "to/deep/-er", signal);
    await files.move("dangling", "to/dangling", signal);
    await expect(files.move("to/deep", "to/dangling", signal)).rejects.toMatchObject({ code: "invalid" });
    await expect(files.move("none", "x", signal)).rejects.toMatchObject({ code: "not_found" });
    expect(readFileSync(join(home, "to/deep/-er/f"), "utf8")).toBe("1");
    expect(readdirSync(home).sort()).toEqual([".daytona", "to"]);
  });

  it("packs a folder with all but Daytona's own, and one that has nothing else", async () => {
    writeFileSync(join(home, ".daytona/sessions/log"), "needle of the log");
    const pack = async (): Promise<string[]> => {
      const { body } = await files.openArchive("", signal);
      writeFileSync(join(root, "archive.tgz"), Buffer.from(await new Response(body).arrayBuffer()));
      return execFileSync("tar", ["-tzf", join(root, "archive.tgz")], { encoding: "utf8" })
        .split("\n")
        .filter(Boolean);
    };
    expect(await pack()).toEqual(["./home/"]);
    mkdirSync(join(home, "[x]* y/.daytona"), { recursive: true });
    for (const name of ["[x]* y/.daytona/mine", "a", ".b", "..c", "-d"]) writeFileSync(join(home, name), "");
    symlinkSync("none", join(home, "dangling"));
    const packed = (await pack()).filter((name) => !name.endsWith("/")).sort();
    expect(packed).toEqual(
      ["./home/-d", "./home/..c", "./home/.b", "./home/[x]* y/.daytona/mine", "./home/a", "./home/dangling"].sort(),
    );
  });

  it("puts a file in its place with the old one's mode, through a link, and only when it is whole", async () => {
    mkdirSync(join(home, "other"));
    writeFileSync(join(home, "other/target"), "old", { mode: 0o755 });
    symlinkSync("other/target", join(home, "link"));
    arrive = (bytes) => bytes.slice(0, 7);
    await expect(write("link", "new one!")).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("7 of 8"),
    });
    expect(readFileSync(join(home, "other/target"), "utf8")).toBe("old");
    await write("link", "new one");
    expect(
      execFileSync("sh", ["-c", "ls -l other/target; cat link; ls -A . other"], { cwd: home, encoding: "utf8" }),
    ).toMatch(/^-rwxr-xr-x[\s\S]*\nnew one\.:\n\.daytona\nlink\nother\n\nother:\ntarget\n$/);
    // A repeat whose first attempt did arrive finds no upload and the target as it should be.
    attempts = 2;
    await write("link", "another");
    expect(readFileSync(join(home, "other/target"), "utf8")).toBe("another");
    attempts = 1;
    symlinkSync("other/next", join(home, "new"));
    symlinkSync("made", join(home, "other/next"));
    await write("new", "made");
    expect(readFileSync(join(home, "other/made"), "utf8")).toBe("made");
    arrive = () => null;
    await expect(write("link", "nothing")).rejects.toMatchObject({ code: "failed" });
    expect(readFileSync(join(home, "other/target"), "utf8")).toBe("another");
  });

  const doubts = async (...paths: string[]) =>
    (
      await locatePaths(
        { ...ports, files },
        paths.map((each) => ({ path: each.replace(/^tree:/, ""), is_tree: each.startsWith("tree:") })),
        signal,
      )
    ).map(({ below, doubt }) => (below === null ? "outside" : doubt));

  it("finds no doubt in plain files of the work dir, and in those that are not there yet", async () => {
    mkdirSync(join(home, "src/deep"), { recursive: true });
    for (const name of ["src/a", "src/deep/b", "-n", "a b\nc", "'\"$x`*"]) writeFileSync(join(home, name), "");
    const paths = ["src/a", join(home, "src/a"), "~/src/a", "src/../src/a", "new/folder/x", "-n", "a b\nc", "'\"$x`*"];
    expect(await doubts(...paths, "tree:src", "tree:new")).toEqual([...paths.map(() => null), null, null]);
  });

  it("finds links on the way and at the end, whatever they lead to, and all that is outside", async () => {
    mkdirSync(join(home, "shop/.git"), { recursive: true });
    mkdirSync(join(home, "plain"));
    for (const [target, name] of [
      [".git", "shop/docs"],
      ["gone", "later"],
      ["/proc/self/cwd", "here"],
      ["plain", "steady"],
    ] as const)
      symlinkSync(target, join(home, name));
    expect(await doubts("shop/docs/config", "later", "here/x", "steady/x", "steady", "tree:steady")).toEqual(
      Array(6).fill("link"),
    );
    // One path outside is enough to ask.
    for (const outside of ["/etc/profile.d/x", "/tmp/x", "/proc/self/cwd/x", root, "~", ".", "/"])
      expect(await doubts(outside), outside).toEqual(["outside"]);
  });

  it("finds programs, pipes and files with a second name, also below a folder that moves", async () => {
    for (const name of ["exe", "pipe", "linked", "named", "plain"])
      mkdirSync(join(home, name, "in"), { recursive: true });
    writeFileSync(join(home, "exe/in/run"), "", { mode: 0o654 });
    execFileSync("mkfifo", [join(home, "pipe/in/run")]);
    writeFileSync(join(home, "linked/in/run"), "");
    linkSync(join(home, "linked/in/run"), join(root, `second-${Math.random()}`));
    writeFileSync(join(home, "plain/in/run"), "");
    writeFileSync(join(home, "named/in/.x"), "");
    expect(await doubts("exe/in/run", "pipe/in/run", "linked/in/run", "plain/in/run")).toEqual([
      ...["special", "special", "special", null],
    ]);
    expect(await doubts("tree:exe", "tree:pipe", "tree:linked", "tree:named", "tree:plain")).toEqual([
      ...["special", "special", "special", "hidden", null],
    ]);
    symlinkSync("run", join(home, "plain/in/other"));
    expect(await doubts("tree:plain")).toEqual(["special"]);
  });

  it("finds folders in which programs are looked up, also if they or what they are links to are not there yet", async () => {
    mkdirSync(join(home, "v1"));
    symlinkSync("v1", join(home, "current"));
    symlinkSync("v1/next", join(home, "next"));
    symlinkSync("../v2", join(home, "v1/next"));
    more = `:${["current", "next", "gone/deep/bin"].map((name) => join(home, name)).join(":")}:./own/tools`;
    expect(await doubts("v1/git", "v2/git", "gone/deep/bin/git", "bin/git", "shop/own/tools/git")).toEqual(
      Array(5).fill("path"),
    );
    expect(await doubts("v3/git", "gone/deep/x", "shop/bin/git", "own/x")).toEqual(Array(4).fill(null));
    expect(await doubts("tree:gone", "tree:bin", "tree:v2", "tree:other")).toEqual(Array(4).fill("path"));
    more = ":";
    expect(await doubts("a")).toEqual(["path"]);
  });

  it("starts where the project has nothing to load", async () => {
    const { runScript } = await import("./scripts.ts");
    const script = { text: "pwd", values: [], timeout_ms: 5_000 };
    const run = (sandbox: never) => runScript(ports.toolbox, sandbox, script, signal);
    expect((await ports.connection.call(run as never, signal)) as unknown).toBe("/\n");
  });
});
