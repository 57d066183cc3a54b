/**
 * What the daemon of 0.190 does where one would expect something else, each with its source in `apps/daemon`. The double
 * does the same, so our adapter meets it in every test.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { askToolbox, eventually, makeFolder, makeName, place, run, sandbox, sendInput, statusOf } from "./place.ts";

const OUT = "\u0001\u0001\u0001";

/** Newer daemons are closed: nobody has to know what they do here. */
async function skipOnNewDaemon(skip: (condition: boolean, note: string) => void): Promise<void> {
  if (place.kind === "double") return;
  const response = await askToolbox("/version");
  const { version = "" } = (await response.json()) as { version?: string };
  skip(!/^v?0\.1\d\d\./.test(version), `daemon ${version}`);
}

async function start(session: string, command: string): Promise<string> {
  await sandbox.process.createSession(session);
  const answer = await sandbox.process.executeSessionCommand(session, { command, runAsync: true });
  return answer.cmdId;
}

async function readLog(session: string, id: string): Promise<string | undefined> {
  return (await sandbox.process.getSessionCommandLogs(session, id)).output;
}

export function describeOldDaemon(): void {
  beforeEach(({ skip }) => skipOnNewDaemon(skip));

  describe("a session of 0.190", () => {
    it("holds a line back until it ends, and loses NUL bytes (pkg/session/execute.go)", async () => {
      const session = makeName("session");
      const id = await start(session, "printf 'a\\000b\\nName? '; read -r name; echo $name");
      await eventually(async () => (await readLog(session, id)) === `${OUT}ab\n`);
      await sandbox.process.sendSessionCommandInput(session, id, "Ann");
      await eventually(async () => (await readLog(session, id))?.includes("Name? Ann\n"));
      await sandbox.process.deleteSession(session);
    });

    it("keeps its commands in ~/.daytona until it is deleted (pkg/session/types.go)", async () => {
      const session = makeName("session");
      const id = await start(session, "echo kept; read -r line");
      await eventually(async () => (await readLog(session, id)) === `${OUT}kept\n`);
      const folder = `~/.daytona/sessions/${session}/${id}`;
      expect(await run(`cat ${folder}/output.log`)).toBe(`${OUT}kept\n`);
      expect(await run(`cat ${folder}/cmd.sh`)).toBe("echo kept; read -r line");
      expect(await run(`ls -A ${folder}`)).toBe("cmd.sh\ninput.pipe\noutput.log\nstderr.pipe\nstdout.pipe\n");
      await sandbox.process.deleteSession(session);
      expect(await run(`ls ~/.daytona/sessions | grep -c ${session} || true`)).toBe("0\n");
    });

    it("answers 500 to input before a command's turn (pkg/session/input.go)", async () => {
      const session = makeName("session");
      const first = await start(session, "read -r line");
      const { cmdId } = await sandbox.process.executeSessionCommand(session, {
        command: "read -r line",
        runAsync: true,
      });
      expect(await statusOf(sandbox.process.sendSessionCommandInput(session, cmdId, "early"))).toBe(500);
      await sendInput(session, first, "go");
      await sandbox.process.deleteSession(session);
    });
  });

  describe("files of 0.190", () => {
    it("are looked at where a link leads (fs/list_files.go, fs/delete_file.go)", async () => {
      const folder = await makeFolder();
      await run(`cd ${folder} && mkdir dir && ln -s dir to-dir && ln -s nowhere dangling`);
      const listed = await sandbox.fs.listFiles(folder);
      expect(listed.map(({ name, isDir }) => [name, isDir])).toEqual([
        ["dir", true],
        ["to-dir", true],
      ]);
      expect(await statusOf(sandbox.fs.deleteFile(`${folder}/to-dir`))).toBe(400);
      expect(await statusOf(sandbox.fs.deleteFile(`${folder}/dangling`))).toBe(404);
      await sandbox.fs.deleteFile(`${folder}/to-dir`, true);
      expect(await run(`ls ${folder}`)).toBe("dangling\ndir\n");
    });

    it("are given up by a search at a line of 64 KiB (fs/find_in_files.go)", async () => {
      const folder = await makeFolder();
      await run(`{ echo needle; head -c 70000 /dev/zero | tr '\\0' x; echo; echo needle; } > ${folder}/long`);
      expect((await sandbox.fs.findFiles(folder, "needle")).map(({ line }) => line)).toEqual([1]);
    });

    it("that are pipes are read for as long as the client waits (fs/download_file.go)", async () => {
      const folder = await makeFolder();
      await run(`mkfifo ${folder}/pipe`);
      const leave = new AbortController();
      const answer = askToolbox(`/files/download?path=${folder}/pipe`, { signal: leave.signal });
      expect((await sandbox.fs.getFileDetails(`${folder}/pipe`)).mode).toMatch(/^p/);
      leave.abort();
      await expect(answer).rejects.toThrow(/abort/i);
      // Ends the daemon's wait.
      await run(`(echo > ${folder}/pipe) & sleep 0.2; kill $! 2>/dev/null; true`);
    });

    it("are refused without a word, and have a part of 0 bytes at their end", async () => {
      const folder = await makeFolder();
      const refused = await askToolbox(`/files/info?path=${folder}/none`);
      expect([refused.status, await refused.text()]).toEqual([404, ""]);
      await sandbox.fs.uploadFile(Buffer.from("hello"), `${folder}/part`);
      const part = await askToolbox(`/files/download?path=${folder}/part`, { headers: { range: "bytes=-0" } });
      expect([part.status, await part.text()]).toEqual([206, ""]);
    });
  });
}
