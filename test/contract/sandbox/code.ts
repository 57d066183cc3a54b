/**
 * Code that is run as such, the interpreter that remembers, and what a sandbox tells of itself.
 */
import { DaytonaTimeoutError } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import { askToolbox, failureOf, run, sandbox, skipOnOldDaemon, statusOf } from "./place.ts";

interface CodeAnswer {
  exitCode: number;
  result: string;
}

async function runCode(language: string, code: string): Promise<{ status: number; answer: CodeAnswer }> {
  const response = await askToolbox("/process/code-run", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code, language }),
  });
  return { status: response.status, answer: (await response.json()) as CodeAnswer };
}

export function describeCode(): void {
  describe("codeRun", () => {
    it("runs Python with arguments and variables", async () => {
      const code = "import os, sys\nprint(sys.argv[1:], os.environ['COLOUR'])\nprint('商店', 6 * 7)";
      const answer = await sandbox.process.codeRun(code, { argv: ["a b", "c"], env: { COLOUR: "red" } });
      expect(answer).toMatchObject({ exitCode: 0, result: "['a b', 'c'] red\n商店 42\n" });
      expect(answer.artifacts?.stdout).toBe(answer.result);
    });

    it("tells an error as the interpreter does, with its exit code", async () => {
      const answer = await sandbox.process.codeRun("print('before')\nraise ValueError('wrong')");
      expect(answer.exitCode).toBe(1);
      expect(answer.result).toContain("before");
      expect(answer.result).toContain("ValueError: wrong");
      expect((await sandbox.process.codeRun("import sys; sys.exit(3)")).exitCode).toBe(3);
      expect((await sandbox.process.codeRun("def f(:")).exitCode).not.toBe(0);
    });

    it("runs JavaScript and TypeScript, and no other language", async () => {
      const script = await runCode("javascript", "console.log([1, 2].map((n) => n * 2).join())");
      expect(script.answer).toMatchObject({ exitCode: 0, result: "2,4\n" });
      const typed = await runCode("typescript", "const n: number = 21; console.log(n * 2);");
      expect(typed.answer).toMatchObject({ exitCode: 0, result: "42\n" });
      expect((await runCode("cobol", "x")).status).toBe(400);
    });

    it("ends at its limit with 408", async () => {
      const error = await failureOf(sandbox.process.codeRun("while True: pass", undefined, 1));
      expect(error).toBeInstanceOf(DaytonaTimeoutError);
      expect(error.statusCode).toBe(408);
    });
  });

  describe("the interpreter", () => {
    it("streams both outputs, and remembers from one call to the next", async () => {
      const streamed: string[] = [];
      const first = await sandbox.codeInterpreter.runCode(
        "import sys\nx = 41\nprint('out')\nprint('err', file=sys.stderr)",
        { onStdout: ({ output }) => streamed.push(output) },
      );
      expect(first).toEqual({ stdout: "out\n", stderr: "err\n" });
      expect(streamed.join("")).toBe("out\n");
      expect((await sandbox.codeInterpreter.runCode("print(x + 1)")).stdout).toBe("42\n");
    });

    it("tells an error by name, value and trace, and goes on", async () => {
      const { error } = await sandbox.codeInterpreter.runCode("def f(): raise ValueError('wrong')\nf()");
      expect(error).toMatchObject({ name: "ValueError", value: "wrong" });
      expect(error?.traceback).toContain("ValueError");
      expect((await sandbox.codeInterpreter.runCode("print('on')")).stdout).toBe("on\n");
    });

    it("hands variables over for one call", async () => {
      const code = "import os; print(os.environ.get('COLOUR'))";
      expect((await sandbox.codeInterpreter.runCode(code, { envs: { COLOUR: "red" } })).stdout).toBe("red\n");
      expect((await sandbox.codeInterpreter.runCode(code)).stdout).toBe("None\n");
    });

    it("keeps contexts apart, each in its folder", async () => {
      const context = await sandbox.codeInterpreter.createContext("/tmp");
      expect(context).toMatchObject({ cwd: "/tmp", language: "python", active: true });
      await sandbox.codeInterpreter.runCode("only_here = 1", { context });
      const there = await sandbox.codeInterpreter.runCode("import os; print(only_here, os.getcwd())", { context });
      expect(there.stdout).toBe("1 /tmp\n");
      expect((await sandbox.codeInterpreter.runCode("print(only_here)")).error?.name).toBe("NameError");
      expect((await sandbox.codeInterpreter.listContexts()).map(({ id }) => id)).toContain(context.id);
      await sandbox.codeInterpreter.deleteContext(context);
      expect((await sandbox.codeInterpreter.listContexts()).map(({ id }) => id)).not.toContain(context.id);
      expect(await statusOf(sandbox.codeInterpreter.deleteContext(context))).toBe(404);
      expect(await failureOf(sandbox.codeInterpreter.runCode("1", { context }))).toMatchObject({
        message: expect.stringContaining("not found"),
      });
    });

    it("ends at its limit", async () => {
      const error = await failureOf(sandbox.codeInterpreter.runCode("while True: pass", { timeout: 1 }));
      expect(error).toBeInstanceOf(DaytonaTimeoutError);
      expect((await sandbox.codeInterpreter.runCode("print('on')")).stdout).toBe("on\n");
    });
  });
}

export function describeEnvironment(): void {
  describe("variables set later", () => {
    it("are seen by what starts afterwards, until they are taken away", async ({ skip }) => {
      await skipOnOldDaemon(skip);
      await sandbox.updateEnv({ SET_LATER: "a 'b' \"c\" $d" });
      expect(await run('printf %s "$SET_LATER"')).toBe("a 'b' \"c\" $d");
      await sandbox.process.createSession("set-later");
      const seen = await sandbox.process.executeSessionCommand("set-later", { command: 'printf "%s\\n" "$SET_LATER"' });
      expect(seen.stdout).toBe("a 'b' \"c\" $d\n");
      await sandbox.process.deleteSession("set-later");
      await sandbox.updateEnv({}, { unset: ["SET_LATER"] });
      expect(await run('printf "[%s]" "$SET_LATER"')).toBe("[]");
    });
  });

  describe("the metrics of now", () => {
    it("are numbers that fit together", async ({ skip }) => {
      await skipOnOldDaemon(skip);
      const metrics = await sandbox.getMetricsLatest();
      expect(metrics.cpuCount).toBeGreaterThan(0);
      expect(metrics.cpuUsedPct).toBeGreaterThanOrEqual(0);
      expect(metrics.memTotal).toBeGreaterThan(0);
      expect(metrics.memUsed).toBeGreaterThan(0);
      expect(metrics.memUsed).toBeLessThanOrEqual(metrics.memTotal);
      expect(metrics.diskTotal).toBeGreaterThan(0);
      expect(metrics.diskUsed).toBeLessThanOrEqual(metrics.diskTotal);
      expect(Math.abs(metrics.timestamp.getTime() - Date.now())).toBeLessThan(600_000);
    });
  });
}
