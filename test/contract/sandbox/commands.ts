/**
 * One-off commands: `process.executeCommand`.
 */
import {
  DaytonaBadRequestError,
  DaytonaProcessExecutionTimeoutError,
  DaytonaTimeoutError,
  DaytonaValidationError,
} from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import { awaitSilence, beat, failureOf, makeFolder, makeName, run, sandbox } from "./place.ts";

export function describeCommands(): void {
  describe("executeCommand", () => {
    it("returns the exit code, and both streams as one text in the order of writing", async () => {
      const command = "echo one; echo two >&2; echo three; exit 3";
      const { exitCode, result } = await sandbox.process.executeCommand(command);
      expect({ exitCode, result }).toEqual({ exitCode: 3, result: "one\ntwo\nthree\n" });
    });

    it("lets a command open its streams by name", async () => {
      const command = "echo one > /dev/stdout; echo two > /dev/stderr; echo three | tee /dev/stderr";
      expect((await sandbox.process.executeCommand(command)).result).toBe("one\ntwo\nthree\nthree\n");
    });

    it("returns a result, not an error, for a command that does not exist", async () => {
      const { exitCode, result } = await sandbox.process.executeCommand("no-such-program-here");
      expect(exitCode).toBe(127);
      expect(result).toContain("no-such-program-here");
    });

    it("runs in the work dir, or in a given folder", async () => {
      expect((await sandbox.process.executeCommand("pwd")).result.trim()).toBe(await sandbox.getWorkDir());
      expect((await sandbox.process.executeCommand("pwd", "/tmp")).result).toBe("/tmp\n");
    });

    it("returns exit code -1 for a folder that does not exist", async () => {
      const { exitCode } = await sandbox.process.executeCommand("true", "/no/such/folder");
      expect(exitCode).toBe(-1);
    });

    it("passes variables unchanged, for this command only", async () => {
      const value = `a "b" 'c' $d \\ 店\nline`;
      const { result } = await sandbox.process.executeCommand('printf %s "$EXTRA_VALUE"', undefined, {
        EXTRA_VALUE: value,
      });
      expect(result).toBe(value);
      expect((await sandbox.process.executeCommand('echo "[$EXTRA_VALUE]"')).result).toBe("[]\n");
    });

    it("understands quotes, dollars, heredocs, several lines and text that isn't ASCII", async () => {
      const command = "cat <<'EOF'\na \"b\" 'c' $d \\ `e`\n商店 🛒\nEOF\necho $((6 * 7)) | tr 4 5";
      expect((await sandbox.process.executeCommand(command)).result).toBe("a \"b\" 'c' $d \\ `e`\n商店 🛒\n52\n");
    });

    it("accepts a command longer than a kernel's argument may be", async () => {
      const text = "x".repeat(300_000);
      expect((await sandbox.process.executeCommand(`printf %s '${text}' | wc -c`)).result.trim()).toBe("300000");
    });

    it("returns a large output complete", async () => {
      const { result } = await sandbox.process.executeCommand("head -c 10000000 /dev/zero | tr '\\0' x");
      expect(result.length).toBe(10_000_000);
      expect(result.replaceAll("x", "")).toBe("");
    });

    it("ends a command that reads its input", async () => {
      // The shell itself reads the command from there: `cat` sees the end at once and does not wait.
      expect((await sandbox.process.executeCommand("cat; echo after", undefined, undefined, 20)).exitCode).toBe(0);
    });

    it("keeps no folder and no variable from one command to the next", async () => {
      await sandbox.process.executeCommand("cd /tmp; export KEPT=yes");
      const { result } = await sandbox.process.executeCommand('pwd; echo "[$KEPT]"');
      expect(result).toBe(`${await sandbox.getWorkDir()}\n[]\n`);
    });

    it("runs several at once", async () => {
      const folder = await makeFolder();
      // Each of two waits for the other's file: run one after another they would never end.
      const meet = (mine: string, other: string): string =>
        `touch ${folder}/${mine}; until [ -e ${folder}/${other} ]; do sleep 0.02; done; echo ${mine}`;
      const answers = await Promise.all([
        sandbox.process.executeCommand(meet("a", "b"), undefined, undefined, 20),
        sandbox.process.executeCommand(meet("b", "a"), undefined, undefined, 20),
      ]);
      expect(answers.map(({ result }) => result)).toEqual(["a\n", "b\n"]);
    });
  });

  describe("executeCommand refuses", () => {
    it("a command of blanks only", async () => {
      for (const command of ["", "   ", "\n\t"]) {
        const error = await failureOf(sandbox.process.executeCommand(command));
        expect(error).toBeInstanceOf(DaytonaValidationError);
        expect(error).toBeInstanceOf(DaytonaBadRequestError);
        expect(error.statusCode).toBe(400);
      }
    });

    it("a variable with an invalid name", async () => {
      for (const name of ["A B", "1A", "A=B", ""]) {
        const error = await failureOf(sandbox.process.executeCommand("true", undefined, { [name]: "x" }));
        expect({ name, status: error.statusCode }).toEqual({ name, status: 400 });
      }
    });
  });

  describe("executeCommand with a time limit", () => {
    it("returns 408 at the limit, and has killed everything that the command started", async () => {
      const file = `${await makeFolder()}/beat`;
      const command = `(${beat(file)}) & ${beat(file)}`;
      const error = await failureOf(sandbox.process.executeCommand(command, undefined, undefined, 1));
      expect(error).toBeInstanceOf(DaytonaTimeoutError);
      expect(error.statusCode).toBe(408);
      // 0.190 says REQUEST_TIMEOUT and no source, so the SDK has no class for it; newer ones name the source.
      if (error.code !== "REQUEST_TIMEOUT") {
        expect(error).toBeInstanceOf(DaytonaProcessExecutionTimeoutError);
        expect(error.code).toBe("PROCESS_EXECUTION_TIMEOUT");
      }
      await awaitSilence(file);
    });

    it("leaves alone a command that ends in time", async () => {
      const { result } = await sandbox.process.executeCommand("echo in time", undefined, undefined, 30);
      expect(result).toBe("in time\n");
    });
  });

  describe("the sandbox's folders", () => {
    it("are the home and the work dir, both absolute and existing", async () => {
      const [home, work] = await Promise.all([sandbox.getUserHomeDir(), sandbox.getWorkDir()]);
      expect(home).toMatch(/^\//);
      expect(work).toMatch(/^\//);
      expect(await run(`cd '${home}' && cd '${work}' && echo there`)).toBe("there\n");
    });

    it("are where a file's relative path resolves", async () => {
      const name = makeName("relative");
      await sandbox.fs.uploadFile(Buffer.from("here"), name);
      expect(await run(`cat '${await sandbox.getWorkDir()}/${name}'`)).toBe("here");
    });
  });
}
