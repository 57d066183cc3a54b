/** Sessions: a long-lived shell each, commands that run without a client, their input and their logs. */
import { DaytonaConflictError, DaytonaNotFoundError } from "@daytonaio/sdk";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  askToolbox,
  awaitSilence,
  beat,
  eventually,
  failureOf,
  makeFolder,
  makeName,
  sandbox,
  sendInput,
  statusOf,
} from "./place.ts";

/** The prefix of each line of a log that contains both streams. */
const OUT = "\u0001\u0001\u0001";
const ERR = "\u0002\u0002\u0002";

/** Follows a command over the WebSocket until the server ends it. */
async function follow(session: string, id: string): Promise<{ stdout: string; stderr: string }> {
  const seen = { stdout: "", stderr: "" };
  await sandbox.process.getSessionCommandLogs(
    session,
    id,
    (text) => {
      seen.stdout += text;
    },
    (text) => {
      seen.stderr += text;
    },
  );
  return seen;
}

async function start(session: string, command: string, suppressInputEcho = true): Promise<string> {
  const answer = await sandbox.process.executeSessionCommand(session, { command, runAsync: true, suppressInputEcho });
  return answer.cmdId;
}

function awaitEnd(session: string, id: string): Promise<number> {
  return eventually(async () => (await sandbox.process.getSessionCommand(session, id)).exitCode);
}

function awaitOutput(session: string, id: string, text: string): Promise<boolean> {
  return eventually(async () => (await sandbox.process.getSessionCommandLogs(session, id)).stdout?.includes(text));
}

export function describeSessions(): void {
  let session: string;

  describe("a session", () => {
    beforeAll(async () => {
      session = makeName("session");
      await sandbox.process.createSession(session);
    });
    afterAll(() => sandbox.process.deleteSession(session));

    it("is listed and found, and its id is taken", async () => {
      expect((await sandbox.process.getSession(session)).sessionId).toBe(session);
      expect((await sandbox.process.listSessions()).map(({ sessionId }) => sessionId)).toContain(session);
      const error = await failureOf(sandbox.process.createSession(session));
      expect(error).toBeInstanceOf(DaytonaConflictError);
    });

    it("is not found when it does not exist", async () => {
      const nobody = makeName("nobody");
      expect(await failureOf(sandbox.process.getSession(nobody))).toBeInstanceOf(DaytonaNotFoundError);
      // 0.190 wraps its own 404 into a 500 (apps/daemon/pkg/toolbox/process/session/execute.go).
      expect([404, 500]).toContain(await statusOf(sandbox.process.executeSessionCommand(nobody, { command: "true" })));
      expect(await statusOf(sandbox.process.deleteSession(nobody))).toBe(404);
      expect(await statusOf(sandbox.process.getSessionCommand(session, nobody))).toBe(404);
      expect(await statusOf(sandbox.process.getSessionCommandLogs(session, nobody))).toBe(404);
      expect(await statusOf(sandbox.process.sendSessionCommandInput(session, nobody, "x"))).toBe(404);
    });

    it("keeps folder, variables and functions from one command to the next", async () => {
      await sandbox.process.executeSessionCommand(session, { command: "cd /tmp; export COLOUR=red; f() { echo f; }" });
      const second = await sandbox.process.executeSessionCommand(session, { command: 'pwd; echo "$COLOUR"; f' });
      expect(second).toMatchObject({ exitCode: 0, stdout: "/tmp\nred\nf\n", stderr: "" });
    });

    it("keeps the streams apart, and marks the lines where they are combined", async () => {
      const command = "echo out; echo err >&2; (exit 7)";
      const answer = await sandbox.process.executeSessionCommand(session, { command });
      expect(answer).toMatchObject({ exitCode: 7, stdout: "out\n", stderr: "err\n" });
      expect(answer.output).toContain(`${OUT}out\n`);
      expect(answer.output).toContain(`${ERR}err\n`);
      const logs = await sandbox.process.getSessionCommandLogs(session, answer.cmdId);
      expect(logs).toEqual({ output: answer.output, stdout: "out\n", stderr: "err\n" });
    });

    it("returns a last line without a line end", async () => {
      const { stdout } = await sandbox.process.executeSessionCommand(session, { command: "printf 'a\\nb'" });
      // 0.190 reads line by line and adds an end to the last line itself.
      expect(["a\nb", "a\nb\n"]).toContain(stdout);
    });

    it("accepts heredocs, quotes and dollars", async () => {
      const command = "cat <<'EOF'\na \"b\" 'c' $d \\ `e`\n商店\nEOF";
      const { stdout } = await sandbox.process.executeSessionCommand(session, { command });
      expect(stdout).toBe("a \"b\" 'c' $d \\ `e`\n商店\n");
    });

    it("outlives a syntax error, and a `break` outside of any loop", async () => {
      const wrong = await sandbox.process.executeSessionCommand(session, { command: "if then (" });
      expect(wrong.exitCode).not.toBe(0);
      const { exitCode } = await sandbox.process.executeSessionCommand(session, { command: "break; false" });
      expect(exitCode).toBe(1);
      expect((await sandbox.process.executeSessionCommand(session, { command: "echo on" })).stdout).toBe("on\n");
    });

    it("gives a synchronous command no input", async () => {
      const answer = await sandbox.process.executeSessionCommand(session, { command: "cat; echo ended" });
      expect(answer.stdout).toBe("ended\n");
    });

    it("lists its commands in order, with the exit code of those that ended", async () => {
      const own = makeName("session");
      await sandbox.process.createSession(own);
      const first = await sandbox.process.executeSessionCommand(own, { command: "true" });
      const second = await start(own, "read line; exit_code=5; (exit $exit_code)");
      const { commands } = await sandbox.process.getSession(own);
      expect(commands.map(({ id, exitCode }) => [id, exitCode])).toContainEqual([first.cmdId, 0]);
      const running = commands.find(({ id }) => id === second);
      expect(running?.command).toContain("read line");
      expect(running?.exitCode).toBeUndefined();
      await sendInput(own, second, "go\n");
      expect(await awaitEnd(own, second)).toBe(5);
      await sandbox.process.deleteSession(own);
    });

    it("refuses a command of blanks only", async () => {
      expect(await statusOf(sandbox.process.executeSessionCommand(session, { command: " " }))).toBe(400);
    });
  });

  describe("a session's asynchronous command", () => {
    // One each: a command that doesn't end blocks only its own.
    beforeEach(async () => {
      session = makeName("session");
      await sandbox.process.createSession(session);
    });
    afterEach(() => sandbox.process.deleteSession(session));

    it("is answered at once with its id alone", async () => {
      const response = await askToolbox(`/process/session/${session}/exec`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ command: "echo later", runAsync: true }),
      });
      expect(response.status).toBe(202);
      const { cmdId, ...others } = (await response.json()) as Record<string, unknown>;
      expect(cmdId).toMatch(/./);
      // 0.190 names the other fields, with null.
      expect(Object.values(others).filter((value) => value !== null)).toEqual([]);
      expect(await awaitEnd(session, String(cmdId))).toBe(0);
    });

    it("is followed live to its end, accepts input, and its logs stay", async () => {
      const id = await start(session, "echo ready; echo warn >&2; read answer; echo got $answer; (exit 4)");
      const followed = follow(session, id);
      await awaitOutput(session, id, "ready");
      expect((await sandbox.process.getSessionCommand(session, id)).exitCode).toBeUndefined();
      await sendInput(session, id, "yes\n");
      expect(await followed).toEqual({ stdout: "ready\ngot yes\n", stderr: "warn\n" });
      expect(await awaitEnd(session, id)).toBe(4);
      const logs = await sandbox.process.getSessionCommandLogs(session, id);
      expect(logs).toMatchObject({ stdout: "ready\ngot yes\n", stderr: "warn\n" });
    });

    it("is followed from its start, even when it ended long ago", async () => {
      const id = await start(session, "echo early; echo bad >&2");
      await awaitEnd(session, id);
      expect(await follow(session, id)).toEqual({ stdout: "early\n", stderr: "bad\n" });
    });

    it("is followed by several at once, each with all of it", async () => {
      const id = await start(session, "for n in 1 2 3; do echo $n; sleep 0.05; done");
      const seen = await Promise.all([follow(session, id), follow(session, id)]);
      expect(seen.map(({ stdout }) => stdout)).toEqual(["1\n2\n3\n", "1\n2\n3\n"]);
    });

    it("accepts input without a line's end as a line", async () => {
      // The daemon adds the end where it is missing, "for commands like read".
      const id = await start(session, "read a; echo got $a");
      await sendInput(session, id, "whole");
      expect(await awaitEnd(session, id)).toBe(0);
      expect((await sandbox.process.getSessionCommandLogs(session, id)).stdout).toBe("got whole\n");
    });

    it("accepts no input when it has ended", async () => {
      const id = await start(session, "true");
      await awaitEnd(session, id);
      expect(await statusOf(sandbox.process.sendSessionCommandInput(session, id, "more\n"))).toBe(410);
    });

    it("continues when its follower has left", async () => {
      const folder = await makeFolder();
      const work = (await sandbox.getWorkDir()) ?? "";
      const id = await start(session, `read go; echo late; touch ${work}/${folder}/done`);
      const socket = follow(session, id);
      await sendInput(session, id, "go\n");
      await socket;
      expect((await sandbox.fs.getFileDetails(`${folder}/done`)).isDir).toBe(false);
    });

    it("delays the next one of its session until it ends", async () => {
      const first = await start(session, "read go; echo first");
      const second = await start(session, "echo second");
      expect((await sandbox.process.getSessionCommandLogs(session, second)).stdout).toBe("");
      expect((await sandbox.process.getSessionCommand(session, second)).exitCode).toBeUndefined();
      await sendInput(session, first, "go\n");
      expect((await follow(session, second)).stdout).toBe("second\n");
      expect(await awaitEnd(session, first)).toBe(0);
    });

    it("is held by a background child that keeps its output, as in a real Daytona", async () => {
      const id = await start(session, "(sleep 0.4; echo child) & echo parent");
      const next = await sandbox.process.executeSessionCommand(session, { command: "echo next" });
      expect(next.stdout).toBe("next\n");
      expect((await follow(session, id)).stdout).toBe("parent\nchild\n");
    });

    it("ends its session with its shell: later commands are refused", async () => {
      const file = `/tmp/${makeName("shell")}`;
      await start(session, `echo $$ > ${file}; exit 3`);
      const isGone = `kill -0 "$(cat ${file})" 2>/dev/null && exit 1 || test -s ${file}`;
      await eventually(async () => (await sandbox.process.executeCommand(isGone)).exitCode === 0);
      const after = await statusOf(sandbox.process.executeSessionCommand(session, { command: "echo on" }));
      // 500 with 0.190, where nothing reads the command any more; newer ones return SESSION_ENDED.
      expect([400, 410, 500]).toContain(after);
    });

    it("echoes its input into the log unless that is turned off", async () => {
      const id = await start(session, "read a; echo got $a", false);
      await sendInput(session, id, "word\n");
      await awaitEnd(session, id);
      const { stdout = "" } = await sandbox.process.getSessionCommandLogs(session, id);
      expect(stdout.split("\n").sort()).toEqual(["", "got word", "word"]);
    });
  });

  describe("a session's end", () => {
    it("kills what it runs, and notifies whoever waits for it", async () => {
      const own = makeName("session");
      await sandbox.process.createSession(own);
      const file = `${(await sandbox.getWorkDir()) ?? ""}/${await makeFolder()}/beat`;
      const waiting = statusOf(sandbox.process.executeSessionCommand(own, { command: beat(file) }));
      await eventually(async () => (await sandbox.process.executeCommand(`cat ${file}`)).exitCode === 0);
      await sandbox.process.deleteSession(own);
      // 0.190: 500 around a 400 "session cancelled" (session/execute.go); newer: SESSION_ENDED.
      expect([400, 410, 500]).toContain(await waiting);
      expect(await failureOf(sandbox.process.getSession(own))).toBeInstanceOf(DaytonaNotFoundError);
      await awaitSilence(file);
    });

    it("frees its id", async () => {
      const own = makeName("session");
      await sandbox.process.createSession(own);
      await sandbox.process.executeSessionCommand(own, { command: "export KEPT=yes" });
      await sandbox.process.deleteSession(own);
      await sandbox.process.createSession(own);
      const { stdout } = await sandbox.process.executeSessionCommand(own, { command: 'echo "[$KEPT]"' });
      expect(stdout).toBe("[]\n");
      await sandbox.process.deleteSession(own);
    });

    it("can't be requested for the entrypoint's session", async () => {
      expect(await statusOf(sandbox.process.createSession("entrypoint"))).toBe(400);
      expect(await statusOf(sandbox.process.deleteSession("entrypoint"))).toBe(400);
      expect((await sandbox.process.listSessions()).map(({ sessionId }) => sessionId)).not.toContain("entrypoint");
    });
  });
}
