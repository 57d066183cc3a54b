/**
 * The code interpreter of a sandbox, through the unmodified SDK, on machines that have Python.
 */
import { execFileSync } from "node:child_process";
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Fixture, findProcesses, marker, startFixture } from "./daytona-fixture.ts";

let fixture: Fixture;
let sandbox: Sandbox;

beforeAll(async () => {
  fixture = await startFixture();
  sandbox = await fixture.client.create();
});

afterAll(() => fixture.dispose());

/** Where sandboxes look for programs. */
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const hasPython = ((): boolean => {
  try {
    execFileSync("/bin/sh", ["-c", "command -v python3 || command -v python"], {
      env: { PATH: path },
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(hasPython)("without Python", () => {
  it("the interpreter says what is missing", async () => {
    await expect(sandbox.codeInterpreter.createContext()).rejects.toMatchObject({ statusCode: 501 });
    await expect(sandbox.codeInterpreter.runCode("1")).rejects.toThrow("python is not installed");
  });
});

describe.runIf(hasPython)("the interpreter", () => {
  it("keeps names from one run to the next, and tells both streams apart, also those of child processes", async () => {
    const said: string[] = [];
    await sandbox.codeInterpreter.runCode("import os, sys\ntotal = 40");
    const result = await sandbox.codeInterpreter.runCode(
      "total += 2\nprint(total, '店')\nsys.stderr.write('oops')\nos.system('echo child')\nos.environ['EXTRA']",
      { envs: { EXTRA: "you" }, onStdout: ({ output }) => said.push(output) },
    );
    expect(result).toEqual({ stdout: "42 店\nchild\n", stderr: "oops" });
    expect(said.join("")).toBe(result.stdout);
    const { error } = await sandbox.codeInterpreter.runCode("os.environ['EXTRA']");
    expect(error).toMatchObject({ name: "KeyError", value: "'EXTRA'" });
  });

  it("tells an error with its lines, and goes on", async () => {
    const failed = await sandbox.codeInterpreter.runCode("kept = 1\ndef fail():\n    return 1 / 0\nfail()");
    expect(failed.error).toMatchObject({ name: "ZeroDivisionError", value: "division by zero" });
    expect(failed.error?.traceback).toContain("return 1 / 0");
    expect(failed.error?.traceback).not.toContain("interpreter.py");
    expect((await sandbox.codeInterpreter.runCode("def broken(")).error?.name).toBe("SyntaxError");
    expect((await sandbox.codeInterpreter.runCode("input()")).error?.name).toBe("EOFError");
    expect((await sandbox.codeInterpreter.runCode("exit(3)")).error).toMatchObject({ name: "SystemExit", value: "3" });
    expect(await sandbox.codeInterpreter.runCode("print(kept)")).toEqual({ stdout: "1\n", stderr: "" });
  });

  it("has contexts of their own names and folder", async () => {
    const { codeInterpreter } = sandbox;
    await sandbox.fs.createFolder("inner", "755");
    const context = await codeInterpreter.createContext("inner");
    expect(context).toMatchObject({ cwd: "/home/daytona/inner", language: "python", active: true });
    await codeInterpreter.runCode("secret = 1");
    const inside = await codeInterpreter.runCode("import os\nprint(os.getcwd(), 'secret' in globals())", { context });
    expect(inside.stdout).toBe("/home/daytona/inner False\n");
    expect((await codeInterpreter.listContexts()).map(({ id }) => id)).toEqual([context.id]);
    await codeInterpreter.deleteContext(context);
    expect(await codeInterpreter.listContexts()).toEqual([]);
    await expect(codeInterpreter.deleteContext(context)).rejects.toMatchObject({ statusCode: 404 });
    await expect(codeInterpreter.runCode("1", { context })).rejects.toThrow("not found");
    await expect(codeInterpreter.createContext("/nowhere")).rejects.toMatchObject({ statusCode: 404 });
  });

  it("ends a run whose time is up, and keeps its names", async () => {
    const { codeInterpreter } = sandbox;
    const late = codeInterpreter.runCode("before = 5\nwhile True: pass", { timeout: 1 });
    await expect(late).rejects.toMatchObject({ name: "DaytonaTimeoutError" });
    expect((await codeInterpreter.runCode("print(before)")).stdout).toBe("5\n");
  });

  it("runs one after another in a context, and gives back a flood whole", async () => {
    const { codeInterpreter } = sandbox;
    const [first, second] = await Promise.all([
      codeInterpreter.runCode("import time\ntime.sleep(0.2)\nlast = 'first'"),
      codeInterpreter.runCode("print(last)\nlast = 'second'"),
    ]);
    expect([first.stdout, second.stdout]).toEqual(["", "first\n"]);
    const flood = await codeInterpreter.runCode("print('x' * 3_000_000)");
    expect(flood.stdout.length).toBe(3_000_001);
  });

  it("outlives code that ends its process or closes its streams, and leaves nothing behind", async () => {
    const { codeInterpreter } = sandbox;
    await expect(codeInterpreter.runCode("import os\nos._exit(1)")).rejects.toThrow("interpreter has ended");
    expect((await codeInterpreter.runCode("import os\nprint('back')")).stdout).toBe("back\n");
    expect((await codeInterpreter.runCode("os.close(1)")).error).toBeUndefined();
    const mark = marker();
    const context = await codeInterpreter.createContext();
    const gone = codeInterpreter.runCode(`import os\nos.system('sleep ${mark}')`, { context });
    const outcome = expect(gone).rejects.toThrow();
    await eventually(async () => (await findProcesses(`sleep\0${mark}`)).length > 0);
    await codeInterpreter.deleteContext(context);
    await outcome;
    await eventually(async () => (await findProcesses(`sleep\0${mark}`)).length === 0);
  });
});
