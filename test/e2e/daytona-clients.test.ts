/**
 * Third-party clients of Daytona, as they come from npm, each with its own version of the SDK: what this server sends
 * them must be what a real Daytona would.
 */
import { daytona as computesdk } from "@computesdk/daytona";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";

interface LangchainSandbox {
  readonly id: string;
  execute(command: string): Promise<{ output: string; exitCode: number; truncated: boolean }>;
  read(path: string): Promise<unknown>;
  write(path: string, content: string): Promise<object>;
  edit(path: string, from: string, to: string): Promise<unknown>;
  ls(path: string): Promise<unknown>;
  grep(pattern: string, path: string): Promise<unknown>;
  glob(pattern: string, path: string): Promise<unknown>;
  uploadFiles(files: [string, Uint8Array][]): Promise<{ path: string; error: string | null }[]>;
  downloadFiles(paths: string[]): Promise<{ content: Uint8Array | null; error: string | null }[]>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

interface Langchain {
  DaytonaSandbox: {
    create(options: object): Promise<LangchainSandbox>;
    fromId(id: string): Promise<LangchainSandbox>;
    deleteAll(labels: Record<string, string>): Promise<number>;
  };
}

/**
 * Imported by a variable that the compiler doesn't follow: its types would change those of zod for the whole program.
 */
const langchain: string = "@langchain/daytona";
const { DaytonaSandbox } = (await import(langchain)) as Langchain;

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture({ apiKey });
  // Where both clients look for it, as a user would set it.
  vi.stubEnv("DAYTONA_API_KEY", apiKey);
  vi.stubEnv("DAYTONA_API_URL", fixture.server.apiUrl);
  vi.stubEnv("DAYTONA_TARGET", "local");
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await fixture.dispose();
});

describe("@computesdk/daytona", () => {
  it("creates a sandbox, works in it, finds it again and destroys it", async () => {
    const { sandbox: sandboxes } = computesdk({});
    const sandbox = await sandboxes.create({ envs: { COLOUR: "red" }, metadata: { suite: "computesdk" } });
    expect(await sandbox.runCommand("echo $COLOUR; echo err >&2; exit 3")).toMatchObject({
      exitCode: 3,
      stdout: "red\nerr\n",
    });
    const placed = { cwd: "/tmp", env: { EXTRA: "yes" } };
    expect((await sandbox.runCommand("printenv EXTRA PWD", placed)).stdout).toBe("yes\n/tmp\n");

    const { filesystem } = sandbox;
    await filesystem.mkdir("/tmp/shop/deep");
    await filesystem.writeFile("/tmp/shop/a b.txt", "商店 'one' \"two\"\n");
    expect(await filesystem.readFile("/tmp/shop/a b.txt")).toBe("商店 'one' \"two\"\n");
    expect((await filesystem.readdir("/tmp/shop")).map(({ name, type }) => [name, type])).toEqual([
      ["a b.txt", "file"],
      ["deep", "directory"],
    ]);
    expect(await filesystem.exists("/tmp/shop/none")).toBe(false);
    await filesystem.remove("/tmp/shop");
    expect(await filesystem.exists("/tmp/shop")).toBe(false);
    await expect(filesystem.readFile("/tmp/none")).rejects.toThrow("File not found");

    expect(await sandbox.getUrl({ port: 3000 })).toMatch(/^http:\/\/3000-/);
    expect((await sandboxes.list()).map(({ sandboxId }) => sandboxId)).toEqual([sandbox.sandboxId]);
    const again = await sandboxes.getById(sandbox.sandboxId);
    expect((await again?.runCommand("echo again"))?.stdout).toBe("again\n");
    await sandboxes.destroy(sandbox.sandboxId);
    expect(await sandboxes.getById(sandbox.sandboxId)).toBeNull();
    await sandboxes.destroy(sandbox.sandboxId);
  });
});

describe("@langchain/daytona", () => {
  it("creates a sandbox, works in it with the tools of deepagents, and deletes it", async () => {
    const sandbox = await DaytonaSandbox.create({
      language: "python",
      envVars: { COLOUR: "red" },
      labels: { suite: "langchain" },
      initialFiles: { "/home/daytona/app/start.py": "print('started')\n" },
    });
    expect(await sandbox.execute("python3 /home/daytona/app/start.py; echo $COLOUR; exit 3")).toEqual({
      output: "started\nred\n",
      exitCode: 3,
      truncated: false,
    });

    expect(await sandbox.write("/home/daytona/app/notes.md", "# 商店\nfirst line\n")).not.toHaveProperty("error");
    expect(JSON.stringify(await sandbox.read("/home/daytona/app/notes.md"))).toContain("first line");
    await sandbox.edit("/home/daytona/app/notes.md", "first line", "second line");
    expect(JSON.stringify(await sandbox.read("/home/daytona/app/notes.md"))).toContain("second line");
    expect(JSON.stringify(await sandbox.ls("/home/daytona/app"))).toContain("notes.md");
    expect(JSON.stringify(await sandbox.grep("second", "/home/daytona/app"))).toContain("notes.md");
    expect(JSON.stringify(await sandbox.glob("**/*.py", "/home/daytona/app"))).toContain("start.py");

    const up = await sandbox.uploadFiles([["/home/daytona/b.bin", new Uint8Array([0, 255, 10])]]);
    expect(up).toEqual([{ path: "/home/daytona/b.bin", error: null }]);
    const down = await sandbox.downloadFiles(["/home/daytona/b.bin", "/home/daytona/none", "/home/daytona/app"]);
    expect([...(down[0]?.content ?? [])]).toEqual([0, 255, 10]);
    // The client derives these from the server's messages.
    expect(down.map(({ error }) => error)).toEqual([null, "file_not_found", "is_directory"]);

    const again = await DaytonaSandbox.fromId(sandbox.id);
    expect((await again.execute("cat app/notes.md")).output).toContain("second line");
    await sandbox.stop();
    await sandbox.start();
    expect((await sandbox.execute("echo on")).output).toBe("on\n");
    await sandbox.close();
    await expect(DaytonaSandbox.fromId(sandbox.id)).rejects.toThrow("Sandbox not found");
  });

  it("deletes all sandboxes of a label", async () => {
    const labels = { suite: "many" };
    await Promise.all([DaytonaSandbox.create({ labels }), DaytonaSandbox.create({ labels })]);
    await DaytonaSandbox.create({ labels: { suite: "other" } });
    expect(await DaytonaSandbox.deleteAll(labels)).toBe(2);
  });
});
