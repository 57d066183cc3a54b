// Commands and programs of checks. A command has a record in the sandbox under its id: whoever runs it again, in
// another life too, finds it there and waits for the same end.
import type { CheckCommand, CommandSeen } from "../../../agent/checks/place.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import { checkPort } from "../access/ports.ts";
import { readFailure } from "../client/failure.ts";
import { pause } from "../client/waiting.ts";
import { nameSession } from "../commands/command-line.ts";
import { runScript } from "../files/scripts.ts";
import { writeEnvFile } from "../secrets/env-file.ts";
import { type CommandAnswer, END_SCRIPT, readCommandAnswer, START_SCRIPT, WAIT_SECONDS } from "./command-script.ts";
import { decodeBase64, readOutput } from "./output.ts";
import { type CheckPorts, readSaid, run } from "./ports.ts";

const SCRIPT_MS = (WAIT_SECONDS + 20) * 1000;
const END_MS = 20_000;
/** Two halves of 32 KiB in base64, and their hash. */
const ANSWER_BYTES = 256 * 1024;
/** How long a program may run after its port was there: checks of a task take five minutes. */
const PROGRAM_SECONDS = 900;
/** After a request that gave no answer. */
const AGAIN_MS = 1_000;
/** Of what a program printed that ended. */
const SHOWN_CHARACTERS = 500;

interface Started {
  name: string;
  folder: string;
  home: string;
  command: CheckCommand;
  port: number | null;
  limit_s: number;
}

export class DaytonaCheckCommands {
  readonly #ports: CheckPorts;

  constructor(ports: CheckPorts) {
    this.#ports = ports;
  }

  async run(command: CheckCommand, signal: AbortSignal): Promise<CommandSeen> {
    const limit_s = Math.max(1, Math.ceil(command.time_limit_ms / 1000));
    const started = await this.#describe(command, null, limit_s, signal);
    // What watches the command ends it at its limit; a sandbox that does not come back is not waited for.
    const until = Date.now() + limit_s * 1000 + SCRIPT_MS;
    for (;;) {
      const answer = await this.#ask(started, WAIT_SECONDS, signal);
      if (answer.kind === "ended") return this.#read(answer, signal);
      if (answer.kind === "lost") throw lost();
      if (answer.kind !== "running") throw explain(answer, started);
      if (Date.now() > until) {
        await this.end(command.command_id, signal);
        throw lost();
      }
    }
  }

  async start(command: CheckCommand & { port: number }, signal: AbortSignal): Promise<void> {
    checkPort(command.port);
    const wait_s = Math.max(1, Math.ceil(command.time_limit_ms / 1000));
    const started = await this.#describe(command, command.port, wait_s + PROGRAM_SECONDS, signal);
    const until = Date.now() + wait_s * 1000;
    for (;;) {
      const left_s = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      const answer = await this.#ask(started, Math.min(WAIT_SECONDS, left_s), signal);
      if (answer.kind === "listening") return;
      if (answer.kind === "ended") throw await this.#explainEnd(answer, command.port, signal);
      if (answer.kind === "lost") throw lost();
      if (answer.kind !== "running") throw explain(answer, started);
      if (Date.now() < until) continue;
      const last = await this.#end(command.command_id, signal);
      const said = last?.kind === "ended" ? await this.#describeOutput(last, signal) : "";
      throw new SandboxError(
        "not_found",
        `The program did not listen on port ${command.port} within ${wait_s} seconds.${said}`,
      );
    }
  }

  async end(command_id: string, signal: AbortSignal): Promise<void> {
    await this.#end(command_id, signal);
  }

  /** Its last output; null if there is no sandbox or no command. */
  async #end(command_id: string, signal: AbortSignal): Promise<CommandAnswer | null> {
    const name = await nameSession(command_id);
    const { connection, toolbox } = this.#ports;
    const script = { text: END_SCRIPT, timeout_ms: END_MS, answer_bytes: ANSWER_BYTES };
    try {
      const output = await connection.call(
        (sandbox) => runScript(toolbox, sandbox, { ...script, values: [sandbox.id, name] }, signal),
        signal,
        { opens: false },
      );
      return readCommandAnswer(readSaid(output));
    } catch (error) {
      signal.throwIfAborted();
      // Nothing runs in a sandbox that does not run.
      if (!(error instanceof SandboxError) && readFailure(error).status === 404) return null;
      throw error;
    }
  }

  async #describe(command: CheckCommand, port: number | null, limit_s: number, signal: AbortSignal): Promise<Started> {
    const { absolute, folders } = await this.#ports.files.resolve(command.cwd ?? "", signal, { takesAnyName: true });
    const name = await nameSession(command.command_id);
    return { name, folder: absolute, home: folders.home, command, port, limit_s };
  }

  /** Starts it with the request that first asks, unless values have to be brought before. */
  async #ask(started: Started, wait_s: number, signal: AbortSignal): Promise<CommandAnswer> {
    const { secrets, connection, toolbox } = this.#ports;
    if (!secrets.are_given) return this.#send(started, wait_s, true, signal);
    const found = await this.#send(started, wait_s, false, signal);
    if (found.kind !== "absent") return found;
    await connection.call(async (sandbox) => {
      const values = await secrets.prepare(sandbox, signal);
      if (values.size > 0) await writeEnvFile({ toolbox, sandbox }, started.name, values, signal);
    }, signal);
    return this.#send(started, wait_s, true, signal);
  }

  async #send(
    { name, folder, home, command, port, limit_s }: Started,
    wait_s: number,
    may_start: boolean,
    signal: AbortSignal,
  ): Promise<CommandAnswer> {
    const values = (sandbox: string) => [
      ...[sandbox, name, folder, command.run, String(limit_s), String(wait_s), port === null ? "" : String(port)],
      ...[command.tree?.hash ?? "", home, may_start ? "start" : ""],
    ];
    const script = { text: START_SCRIPT, values, timeout_ms: SCRIPT_MS, answer_bytes: ANSWER_BYTES };
    const answer = readCommandAnswer(await run(this.#ports, script, signal));
    if (answer !== null) return answer;
    // The script was cut short. What it may have started is found by the next request.
    await pause(AGAIN_MS, signal);
    return { kind: "running" };
  }

  async #read(answer: Extract<CommandAnswer, { kind: "ended" }>, signal: AbortSignal): Promise<CommandSeen> {
    const mask = await this.#ports.secrets.readMask(signal);
    const kept = { head: decodeBase64(answer.head), tail: decodeBase64(answer.tail), total: answer.bytes };
    return {
      tree: answer.tree === "" ? null : { hash: answer.tree, mark: answer.tree },
      exit_code: answer.exit_code,
      ...readOutput(kept, mask),
      output_bytes: answer.bytes,
      output_hash: answer.hash,
    };
  }

  async #explainEnd(
    answer: Extract<CommandAnswer, { kind: "ended" }>,
    port: number,
    signal: AbortSignal,
  ): Promise<SandboxError> {
    const how = answer.exit_code === null ? "was ended" : `exited with ${answer.exit_code}`;
    const said = await this.#describeOutput(answer, signal);
    return new SandboxError("not_found", `The program ${how} before it listened on port ${port}.${said}`);
  }

  async #describeOutput(answer: Extract<CommandAnswer, { kind: "ended" }>, signal: AbortSignal): Promise<string> {
    const { output_head, output_tail } = await this.#read(answer, signal);
    const last = (output_tail || output_head).trim().slice(-SHOWN_CHARACTERS);
    return last === "" ? " It printed nothing." : ` It printed at last: ${last.toWellFormed()}`;
  }
}

function lost(): SandboxError {
  return new SandboxError(
    "failed",
    "The sandbox was restarted while the command ran, or the command ended what watches it. It has no result.",
  );
}

function explain(answer: CommandAnswer, { port, command }: Started): SandboxError {
  if (answer.kind === "no_folder")
    return new SandboxError("not_found", `The folder ${command.cwd ?? "of the project"} does not exist.`);
  if (answer.kind === "busy") {
    const text = `Another program already listens on port ${port}, so the one to check can't be distinguished from it. End it first.`;
    return new SandboxError("not_found", text);
  }
  return new SandboxError("failed", "The command was not started.");
}
