/**
 * A command with separate streams and open input, as a remote shell provides it: stdout and stderr as frames of their
 * own, stdin in data frames until a `finish`, signals as JSON.
 *
 * A client that disconnects closes the streams and kills nothing: people start servers by a remote shell and leave.
 * Remaining processes end with the sandbox.
 */
import type { ChildProcess } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { constants } from "node:os";
import { answer, type Channel, type Request, readText } from "./channel.ts";
import { awaitEnd, forward, killGroup, spawnShell } from "./commands.ts";
import { frameKind, parseJson, writeJson } from "./frames.ts";
import { awaitReadiness, makePipes, openOutput } from "./pipes.ts";
import { findShell, type KeeperSettings } from "./settings.ts";

/**
 * Opens its streams, reports that, and becomes the command; without one it becomes a shell that reads commands.
 *
 * With bash, stdin goes through a `cat`: that makes it a pipe, which can be opened by name as `/dev/stdin` even after
 * its end, unlike the socket that Node gives and unlike a named pipe.
 */
const script = (input: string): string => `exec ${input} >"$1/out" 2>"$1/err"; echo >&3; exec 3>&-
if [ "$2" ]; then exec /bin/sh -c "$2"; else exec /bin/sh; fi`;
const pipedInput = "< <(exec cat 2>/dev/null 3>&-)";

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
  const input = findShell().endsWith("bash") ? pipedInput : "";
  const args = ["-c", script(input), "sh", folder, readText(request, "command")];
  const child = spawnShell(settings, args, { cwd: settings.workDir, extraPipes: 1 });
  const ended = awaitEnd(child);
  await Promise.race([awaitReadiness(child), ended]);
  await rm(folder, { recursive: true, force: true });
  await answer(channel, {});
  void takeInput(channel, child).then(() => {
    for (const pipe of [child.stdin, stdout, stderr]) pipe?.destroy();
  });
  await Promise.all([forward(stdout, channel, frameKind.stdout), forward(stderr, channel, frameKind.stderr)]);
  await writeJson(channel.socket, { exitCode: await ended });
}

async function takeInput(channel: Channel, child: ChildProcess): Promise<void> {
  for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
    if (frame.kind === frameKind.data) await writeInput(child, frame.payload);
    else if (frame.kind === frameKind.finish) child.stdin?.end();
    else if (frame.kind === frameKind.json) passSignal(child, readText(parseJson(frame), "signal"));
  }
}

/** Waits until the program accepts more input or stops reading. */
function writeInput({ stdin }: ChildProcess, data: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (!stdin || stdin.destroyed || stdin.writableEnded) resolve();
    else stdin.write(data, () => resolve());
  });
}

function passSignal({ pid }: ChildProcess, name: string): void {
  const signal = `SIG${name}`;
  if (pid !== undefined && signal in constants.signals) killGroup(pid, signal as NodeJS.Signals);
}
