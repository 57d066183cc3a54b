/** Code execution, and a sandbox's own data. */
import { DaytonaTimeoutError } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import { askToolbox, failureOf, run, sandbox, skipOnOldDaemon } from "./place.ts";

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
      // 0.190 splits them at spaces (apps/daemon/pkg/toolbox/process/coderun/command.go).
      const answer = await sandbox.process.codeRun(code, { argv: ["a", "--b=c"], env: { COLOUR: "red" } });
      expect(answer).toMatchObject({ exitCode: 0, result: "['a', '--b=c'] red\n商店 42\n" });
      expect(answer.artifacts?.stdout).toBe(answer.result);
    });

    it("reports an error as the interpreter does, with its exit code", async () => {
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
}

export function describeEnvironment(): void {
  describe("variables set later", () => {
    it("are visible to later processes, until they are removed", async ({ skip }) => {
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

  describe("the current metrics", () => {
    it("are consistent numbers", async ({ skip }) => {
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
