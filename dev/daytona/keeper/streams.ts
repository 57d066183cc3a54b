/**
 * A command with its streams apart and its input open, as a remote shell gives it: stdout and stderr as frames of their
 * own, stdin in data frames until a `finish`, signals as JSON.
 *
 * A caller that goes away closes the streams and kills nothing: whoever starts a server by a remote shell and leaves
 * counts on that. What stays ends with the sandbox.
 */
import type { ChildProcess } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { answer, type Channel, type Request, readText } from "./channel.ts";
import { awaitEnd, forward, killGroup, spawnShell } from "./commands.ts";
import { frameKind, parseJson, writeJson } from "./frames.ts";
import { makePipes, openInput, openOutput } from "./pipes.ts";
import type { KeeperSettings } from "./settings.ts";

/** Takes up its streams, says so, and becomes the command; without one it becomes a shell that reads commands. */
const script = `exec <"$1/in" >"$1/out" 2>"$1/err"; echo >&3; exec 3>&-
if [ "$2" ]; then exec /bin/sh -c "$2"; else exec /bin/sh; fi`;

export async function serveStreams(
  channel: Channel,
  request: Request,
  settings: KeeperSettings,
  token: string,
): Promise<void> {
  const folder = `${settings.scratch}/${token}`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await makePipes(folder);
  const [stdout, stderr] = [await openOutput(`${folder}/out`), await openOutput(`${folder}/err`)];
  const stdin = await openInput(`${folder}/in`);
  const args = ["-c", script, "sh", folder, readText(request, "command")];
  const child = spawnShell(settings, args, { cwd: settings.workDir, program: "/bin/sh", extraPipes: 1 });
  const ended = awaitEnd(child);
  await Promise.race([awaitReadiness(child), ended]);
  await rm(folder, { recursive: true, force: true });
  await answer(channel, {});
  void takeInput(channel, child, stdin).then(() => {
    for (const pipe of [stdin, stdout, stderr]) pipe.destroy();
  });
  const exit = ended.then((exitCode) => {
    // Nobody may read it any more, and a write would then wait for ever.
    stdin.destroy();
    return exitCode;
  });
  await Promise.all([forward(stdout, channel, frameKind.stdout), forward(stderr, channel, frameKind.stderr), exit]);
  await writeJson(channel.socket, { exitCode: await exit });
}

function awaitReadiness(child: ChildProcess): Promise<void> {
  const reports = child.stdio[3] as Readable;
  reports.on("error", () => {});
  return new Promise((resolve) => {
    reports.once("data", () => resolve());
  });
}

async function takeInput(channel: Channel, child: ChildProcess, stdin: Socket): Promise<void> {
  for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
    if (frame.kind === frameKind.data) await writeInput(stdin, frame.payload);
    else if (frame.kind === frameKind.finish) stdin.destroySoon();
    else if (frame.kind === frameKind.json) passSignal(child, readText(parseJson(frame), "signal"));
  }
}

/** Waits until the program has room for more, or reads no more at all. */
function writeInput(stdin: Socket, data: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (stdin.destroyed || stdin.writableEnded) resolve();
    else stdin.write(data, () => resolve());
  });
}

function passSignal({ pid }: ChildProcess, name: string): void {
  const signal = `SIG${name}`;
  if (pid !== undefined && signal in constants.signals) killGroup(pid, signal as NodeJS.Signals);
}
