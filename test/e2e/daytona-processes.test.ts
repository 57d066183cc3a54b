/**
 * Code, environment and metrics of a sandbox, through the unmodified SDK.
 */
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Fixture, findProcesses, marker, startFixture } from "./daytona-fixture.ts";

let fixture: Fixture;
let sandbox: Sandbox;
let hasPython: boolean;

beforeAll(async () => {
  fixture = await startFixture();
  sandbox = await fixture.client.create({ language: "typescript", envVars: { GREETING: "hello" } });
  hasPython = (await sandbox.process.executeCommand("command -v python3 || command -v python")).exitCode === 0;
});

afterAll(() => fixture.dispose());

function askToolbox(path: string, body?: unknown): Promise<Response> {
  return fetch(`${fixture.server.apiUrl.replace(/\/api$/, "")}/toolbox/${sandbox.id}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: "Bearer x", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function runCode(language: string, code: string, more = {}): Promise<{ exitCode: number; result: string }> {
  const response = await askToolbox("/process/code-run", { language, code, ...more });
  expect(response.status).toBe(200);
  return (await response.json()) as never;
}

describe("process/code-run", () => {
  it("runs TypeScript with arguments, which spaces divide, and variables, including syntax beyond types, and knows modules", async () => {
    const code = `import { sep } from "node:path";
      enum Colour { Red = 3 }
      const [one, two]: string[] = process.argv.slice(2);
      console.log(sep, Colour.Red, one, two, process.env.GREETING, process.env.EXTRA, await Promise.resolve("店"));`;
    const { exitCode, result } = await sandbox.process.codeRun(code, { argv: ["a b"], env: { EXTRA: "you" } });
    expect({ exitCode, result }).toEqual({ exitCode: 0, result: "/ 3 a b hello you 店\n" });
  });

  it("runs JavaScript with the modules of its folder, and reports a failure's code and output", async () => {
    await sandbox.fs.uploadFile(Buffer.from("module.exports = 42;"), "node_modules/answer/index.js");
    expect(await runCode("javascript", 'console.log(require("answer"))')).toMatchObject({ result: "42\n" });
    const failed = await runCode("javascript", 'console.error("before"); process.exit(3)');
    expect(failed).toMatchObject({ exitCode: 3, result: "before\n" });
    expect((await runCode("javascript", "not code (")).exitCode).toBe(1);
  });

  it("runs Python where it is installed, and otherwise rejects it with a message", async () => {
    if (!hasPython) {
      const refused = await askToolbox("/process/code-run", { language: "python", code: "1" });
      expect([refused.status, await refused.text()]).toEqual([501, expect.stringContaining("python is not installed")]);
      return;
    }
    const code = "import sys, os\nprint(sys.argv[1:], os.environ['GREETING'], 5 + 10)\nsys.exit(4)";
    const answer = await runCode("python", code, { argv: ["x"] });
    expect(answer).toEqual({ exitCode: 4, result: "['x'] hello 15\n", artifacts: { charts: [] } });
    expect(await runCode("python", "def foo(\n")).toMatchObject({
      exitCode: 1,
      result: expect.stringContaining("SyntaxError"),
    });
  });

  it("ends a program with all it started when its time is up", async () => {
    const mark = marker();
    const code = `require("child_process").spawnSync("sleep", ["${mark}"])`;
    await expect(sandbox.process.codeRun(code, undefined, 1)).rejects.toMatchObject({
      statusCode: 408,
      message: "command execution timeout",
    });
    await eventually(async () => (await findProcesses(`sleep\0${mark}`)).length === 0);
  });

  it("rejects a missing or unknown language", async () => {
    for (const body of [{ code: "1" }, { language: "ruby", code: "1" }, { language: "python", code: " " }]) {
      expect((await askToolbox("/process/code-run", body)).status).toBe(400);
    }
  });
});

describe("a sandbox's environment", () => {
  it("changes for new processes: removals first, then new values", async () => {
    const change = (body: unknown): Promise<Response> => askToolbox("/env", body);
    const read = async (): Promise<string> => (await sandbox.process.executeCommand('echo "$A/$B/$C"')).result.trim();
    await change({ set: { A: "placeholder-1", B: "placeholder-2", C: "3" } });
    expect(await read()).toBe("placeholder-1/placeholder-2/3");
    await change({ set: { A: "placeholder-new", C: "4" }, unset: ["C"], unsetValuePrefix: "placeholder-" });
    expect(await read()).toBe("placeholder-new//4");
    expect((await runCode("javascript", "console.log(process.env.A)")).result).toBe("placeholder-new\n");
    expect((await change({ set: { "A B": "1" } })).status).toBe(400);
  });
});

it("lets a session whose PATH is invalid still run its commands", async () => {
  await sandbox.process.createSession("lost");
  const run = (command: string) => sandbox.process.executeSessionCommand("lost", { command });
  await run("export PATH=/nowhere");
  expect(await run("echo here; cat /dev/null")).toMatchObject({ exitCode: 127, stdout: "here\n" });
  await sandbox.process.deleteSession("lost");
});

describe("a sandbox's metrics", () => {
  it("count its own processes and its configured resources", async () => {
    const metrics = await sandbox.getMetricsLatest();
    expect(metrics).toMatchObject({ cpuCount: sandbox.cpu, memTotal: sandbox.memory * 1024 ** 3 });
    expect(metrics.memUsed).toBeGreaterThan(1024 ** 2);
    expect(metrics.memUsed).toBeLessThan(1024 ** 3);
    expect(metrics.diskTotal).toBeGreaterThan(metrics.diskUsed ?? 0);
    await sandbox.process.executeCommand(
      "timeout 0.5 sh -c 'while :; do :; done' & sleep 0.4",
      undefined,
      undefined,
      10,
    );
    expect((await sandbox.getMetricsLatest()).cpuUsedPct).toBeGreaterThan(0);
  });
});

it("are refused in the daemon's words where they don't exist", async () => {
  for (const [path, sentence] of [
    ["/lsp/start", "Language servers"],
    ["/computeruse/start", "Computer use"],
    ["/process/interpreter/context", "The code interpreter"],
    ["/nothing/known", "not supported"],
  ] as const) {
    const response = await askToolbox(path, {});
    expect(response.status).toBe(501);
    expect(await response.json()).toMatchObject({
      code: "NOT_IMPLEMENTED",
      message: expect.stringContaining(sentence),
    });
  }
});
