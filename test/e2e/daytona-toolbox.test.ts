/**
 * The toolbox of the Daytona-compatible server, through the unmodified SDK: commands, sessions and files.
 */
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Fixture, findProcesses, startFixture } from "./daytona-fixture.ts";

let fixture: Fixture;
let sandbox: Sandbox;

beforeAll(async () => {
  fixture = await startFixture();
  sandbox = await fixture.client.create({ envVars: { GREETING: "hello" } });
});

afterAll(() => fixture.dispose());

describe("commands", () => {
  it("return exit code and both streams as one text, with the sandbox's and the call's variables", async () => {
    const command = 'echo "$GREETING $EXTRA"; echo oops >&2; pwd; exit 3';
    const { exitCode, result } = await sandbox.process.executeCommand(command, "/tmp", { EXTRA: "you" });
    expect({ exitCode, result }).toEqual({ exitCode: 3, result: "hello you\noops\n/tmp\n" });
  });

  it("understand quotes, dollars, heredocs and text that isn't ASCII", async () => {
    const command = "cat <<'EOF'\na \"b\" 'c' $d \\ `e`\n商店 🛒\nEOF\necho $((6 * 7))";
    const { result } = await sandbox.process.executeCommand(command);
    expect(result).toBe("a \"b\" 'c' $d \\ `e`\n商店 🛒\n42\n");
  });

  it("answer a missing folder with exit code -1, and no command or a bad variable with 400", async () => {
    expect((await sandbox.process.executeCommand("true", "/nowhere")).exitCode).toBe(-1);
    await expect(sandbox.process.executeCommand("  ")).rejects.toMatchObject({ statusCode: 400 });
    await expect(sandbox.process.executeCommand("true", undefined, { "A B": "1" })).rejects.toMatchObject({
      statusCode: 400,
    });
  });

  it("are killed with all they started when their time is up", async () => {
    const marker = "sleep 86411";
    await expect(
      sandbox.process.executeCommand("sleep 86411 & sleep 86411", undefined, undefined, 1),
    ).rejects.toMatchObject({ statusCode: 408, name: "DaytonaProcessExecutionTimeoutError" });
    await eventually(async () => (await findProcesses(marker.replace(" ", "\0"))).length === 0);
  });

  it("give back 10 MB of output whole", async () => {
    const { result } = await sandbox.process.executeCommand("head -c 10000000 /dev/zero | tr '\\0' x");
    expect(result.length).toBe(10_000_000);
  });
});

describe("sessions", () => {
  it("keep folder and variables from one command to the next, and the streams apart", async () => {
    await sandbox.process.createSession("state");
    await expect(sandbox.process.createSession("state")).rejects.toMatchObject({ statusCode: 409 });
    await sandbox.process.executeSessionCommand("state", { command: "cd /tmp && export COLOUR=red" });
    const second = await sandbox.process.executeSessionCommand("state", {
      command: 'pwd; echo "$COLOUR" >&2; break; false',
    });
    expect(second).toMatchObject({ exitCode: 1, stdout: "/tmp\n" });
    expect(second.stderr).toMatch(/^red\n/);
    expect(second.output).toContain("\u0001\u0001\u0001/tmp\n");
    expect(second.output).toContain("\u0002\u0002\u0002red\n");
    const { commands } = await sandbox.process.getSession("state");
    expect(commands?.map(({ exitCode }) => exitCode)).toEqual([0, 1]);
    await sandbox.process.deleteSession("state");
    await expect(sandbox.process.getSession("state")).rejects.toMatchObject({ statusCode: 404 });
  });

  it("survive a syntax error in a command", async () => {
    await sandbox.process.createSession("syntax");
    expect((await sandbox.process.executeSessionCommand("syntax", { command: "if then (" })).exitCode).not.toBe(0);
    expect((await sandbox.process.executeSessionCommand("syntax", { command: "echo on" })).stdout).toBe("on\n");
    await sandbox.process.deleteSession("syntax");
  });

  it("follow a command live, take its input, and end with its exit code", async () => {
    await sandbox.process.createSession("live");
    const { cmdId } = await sandbox.process.executeSessionCommand("live", {
      command: "echo ready; echo warn >&2; read answer; echo got $answer; (exit 4)",
      runAsync: true,
      suppressInputEcho: true,
    });
    expect((await sandbox.process.getSessionCommand("live", cmdId)).exitCode).toBeUndefined();
    let stdout = "";
    let stderr = "";
    let asked = false;
    await sandbox.process.getSessionCommandLogs(
      "live",
      cmdId,
      (text) => {
        stdout += text;
        if (asked || !stdout.includes("ready\n")) return;
        asked = true;
        void sandbox.process.sendSessionCommandInput("live", cmdId, "yes\n");
      },
      (text) => {
        stderr += text;
      },
    );
    expect({ stdout, stderr }).toEqual({ stdout: "ready\ngot yes\n", stderr: "warn\n" });
    expect((await sandbox.process.getSessionCommand("live", cmdId)).exitCode).toBe(4);
    expect(await sandbox.process.getSessionCommandLogs("live", cmdId)).toMatchObject({ stdout, stderr });
    await expect(sandbox.process.sendSessionCommandInput("live", cmdId, "more\n")).rejects.toMatchObject({
      statusCode: 410,
    });
    await sandbox.process.deleteSession("live");
  });

  it("run commands one after another, and keep their outputs apart", async () => {
    await sandbox.process.createSession("order");
    const first = await sandbox.process.executeSessionCommand("order", {
      command: "(sleep 0.3; echo late) & sleep 0.1; echo first",
      runAsync: true,
    });
    const second = await sandbox.process.executeSessionCommand("order", { command: "echo second" });
    expect(second.stdout).toBe("second\n");
    await sandbox.process.getSessionCommandLogs(
      "order",
      first.cmdId,
      () => {},
      () => {},
    );
    expect((await sandbox.process.getSessionCommandLogs("order", first.cmdId)).stdout).toBe("first\nlate\n");
    await sandbox.process.deleteSession("order");
  });

  it("kill what they run when they are deleted, and tell who waits", async () => {
    await sandbox.process.createSession("doomed");
    const waiting = sandbox.process.executeSessionCommand("doomed", { command: "sleep 86412" });
    const outcome = expect(waiting).rejects.toMatchObject({ statusCode: 410 });
    await eventually(async () => (await findProcesses("sleep\x0086412")).length > 0);
    await sandbox.process.deleteSession("doomed");
    await outcome;
    await eventually(async () => (await findProcesses("sleep\x0086412")).length === 0);
  });
});

describe("files", () => {
  it("come back byte for byte, whatever their name and content", async () => {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 256));
    await sandbox.fs.uploadFile(content, 'deep/er/name with ; "quotes" 店.bin');
    const back = await sandbox.fs.downloadFile('deep/er/name with ; "quotes" 店.bin');
    expect(Buffer.compare(back, content)).toBe(0);
    await sandbox.fs.uploadFile(Buffer.alloc(0), "empty");
    expect((await sandbox.fs.getFileDetails("empty")).size).toBe(0);
  });

  it("are uploaded and downloaded many at once, with an error for each that is missing", async () => {
    await sandbox.fs.uploadFiles([
      { source: Buffer.from("one"), destination: "many/1" },
      { source: Buffer.from("two"), destination: "/home/daytona/many/2" },
    ]);
    const [one, two, three] = await sandbox.fs.downloadFiles([
      { source: "many/1" },
      { source: "many/2" },
      { source: "many/3" },
    ]);
    expect([String(one?.result), String(two?.result)]).toEqual(["one", "two"]);
    expect(three?.errorDetails).toMatchObject({ statusCode: 404, errorCode: "FILE_NOT_FOUND" });
    await expect(sandbox.fs.downloadFile("many/3")).rejects.toMatchObject({ name: "DaytonaFileNotFoundError" });
  });

  it("are listed, also in depth, and described", async () => {
    await sandbox.fs.createFolder("tree/inner", "755");
    await sandbox.fs.uploadFile(Buffer.from("leaf"), "tree/inner/leaf.txt");
    expect((await sandbox.fs.listFiles("tree")).map(({ name }) => name)).toEqual(["inner"]);
    const deep = await sandbox.fs.listFiles("tree", { depth: 2 });
    expect(deep.map(({ path }) => path)).toEqual(["/home/daytona/tree/inner", "/home/daytona/tree/inner/leaf.txt"]);
    await sandbox.fs.setFilePermissions("tree/inner/leaf.txt", { mode: "600" });
    expect(await sandbox.fs.getFileDetails("tree/inner/leaf.txt")).toMatchObject({
      name: "leaf.txt",
      size: 4,
      isDir: false,
      mode: "-rw-------",
      permissions: "0600",
    });
  });

  it("are moved without overwriting, and deleted (folders only when asked)", async () => {
    await sandbox.fs.uploadFile(Buffer.from("x"), "from.txt");
    await sandbox.fs.uploadFile(Buffer.from("y"), "taken.txt");
    await expect(sandbox.fs.moveFiles("from.txt", "taken.txt")).rejects.toMatchObject({ statusCode: 409 });
    await sandbox.fs.moveFiles("from.txt", "to.txt");
    await expect(sandbox.fs.getFileDetails("from.txt")).rejects.toMatchObject({ statusCode: 404 });
    await sandbox.fs.deleteFile("to.txt");
    await sandbox.fs.createFolder("folder", "755");
    await expect(sandbox.fs.deleteFile("folder")).rejects.toMatchObject({ statusCode: 400 });
    await sandbox.fs.deleteFile("folder", true);
    await expect(sandbox.fs.getFileDetails("folder")).rejects.toMatchObject({ statusCode: 404 });
  });

  it("are found by text and by name, and changed by text", async () => {
    await sandbox.fs.uploadFile(Buffer.from("price: $5\nname: cup\n"), "shop/cup.yaml");
    await sandbox.fs.uploadFile(Buffer.from("price\0binary"), "shop/cup.bin");
    expect(await sandbox.fs.findFiles("shop", "price")).toEqual([
      { file: "/home/daytona/shop/cup.yaml", line: 1, content: "price: $5" },
    ]);
    expect((await sandbox.fs.searchFiles("shop", "*.y?ml")).files).toEqual(["/home/daytona/shop/cup.yaml"]);
    const [done, missing] = await sandbox.fs.replaceInFiles(["shop/cup.yaml", "shop/none"], "$5", "$&7");
    expect([done?.success, missing?.success]).toEqual([true, false]);
    expect((await sandbox.fs.downloadFile("shop/cup.yaml")).toString()).toBe("price: $&7\nname: cup\n");
  });

  it("tell where home is", async () => {
    expect(await sandbox.getUserHomeDir()).toBe("/home/daytona");
    expect(await sandbox.getWorkDir()).toBe("/home/daytona");
  });
});
