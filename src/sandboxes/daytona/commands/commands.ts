// Commands of the sandbox: starts each once, follows and reads their output, sends input, terminates them.
import type { CommandInfo, CommandRequest, CommandState, OnOutput } from "../../../agent/sandbox.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import { OutputCollector } from "../../output-collector.ts";
import type { OutputMask } from "../../output-mask.ts";
import type { CallOptions, DaytonaConnection } from "../client/connection.ts";
import { readFailure } from "../client/failure.ts";
import type { DaytonaLimits } from "../client/limits.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { pause, within } from "../client/waiting.ts";
import { readStringField } from "../files/json-stream.ts";
import { writeEnvFile } from "../secrets/env-file.ts";
import type { DaytonaSecrets } from "../secrets/secrets.ts";
import { type CommandSource, followCommand, type LogReading, toState } from "./command-follower.ts";
import { MAX_COMMAND_BYTES, nameSession, writeCommandLine } from "./command-line.ts";
import { CommandLog, type StreamName } from "./command-log.ts";
import { type InputState, watchInput } from "./input-watch.ts";
import { LiveOutput } from "./live-output.ts";
import { isMissingInput, isMissingSession, readCommands } from "./session-failures.ts";
import type { DaytonaSessions } from "./sessions.ts";

/** A pipe buffers about this much unread input. With more the daemon's write would block for ever. */
const MAX_INPUT_BYTES = 60_000;

/**
 * How many ended commands are remembered: the daemon forgets terminated ones, and the model may still ask about them.
 */
const MAX_REMEMBERED = 32;

/** Together a second and a half: a busy sandbox starts a shell in less. */
const INPUT_ATTEMPTS = 8;
const INPUT_AGAIN_MS = 50;

/** How long a termination waits for the last output of its command. */
const LAST_READ_MS = 2_000;

/** The exit code that shells report for a killed process. */
const KILLED_EXIT_CODE = 137;

export interface CommandPorts {
  connection: DaytonaConnection;
  secrets: DaytonaSecrets;
  sessions: DaytonaSessions;
  toolbox: Toolbox;
  limits: DaytonaLimits;
}

export class DaytonaCommands {
  readonly #ports: CommandPorts;
  readonly #terminated = new Map<string, CommandState>();
  /** Exit codes from logs, by session: the daemon reports them a moment later. */
  readonly #ended = new Map<string, number>();

  constructor(ports: CommandPorts) {
    this.#ports = ports;
  }

  async run(request: CommandRequest, onOutput: OnOutput, signal: AbortSignal): Promise<CommandState> {
    const { command_id, command, cwd, wait_ms } = request;
    checkText(command, "command", MAX_COMMAND_BYTES);
    checkText(cwd ?? "", "cwd", MAX_COMMAND_BYTES);
    const terminated = this.#terminated.get(command_id);
    if (terminated) return terminated;
    const { sessions, limits } = this.#ports;
    const session = await nameSession(command_id);
    const writeLine = async (sandbox: SdkSandbox) => {
      const has_file = await this.#bringSecrets(sandbox, session, signal);
      return writeCommandLine({ session, sandbox: sandbox.id, cwd: cwd ?? null, command, has_file });
    };
    await this.#attachSecrets(signal);
    const id = await sessions.start(session, writeLine, signal);
    await sessions.clean(signal);
    const live = new LiveOutput(onOutput, limits.live_characters);
    // The same for all readings of the log: live output is distinguished from what was shown by its length.
    const mask = await this.#ports.secrets.readMask(signal);
    try {
      const state = await followCommand(this.#sourceOf({ session, id, mask }, signal), { wait_ms, live, signal });
      if (state.exit_code !== null) remember(this.#ended, session, state.exit_code);
      return state;
    } catch (error) {
      signal.throwIfAborted();
      const ended = this.#terminated.get(command_id);
      if (ended) return ended;
      if (error instanceof SandboxError || !isMissingSession(readFailure(error))) throw error;
      throw new SandboxError(
        "failed",
        "The sandbox was restarted or replaced while the command ran. Its output is lost: check what it has done.",
      );
    }
  }

  async read(command_id: string, signal: AbortSignal): Promise<CommandState> {
    const terminated = this.#terminated.get(command_id);
    if (terminated) return terminated;
    const session = await nameSession(command_id);
    const { id, exit_code } = await this.#find(command_id, session, signal);
    const command = { session, id, mask: await this.#ports.secrets.readMask(signal) };
    const reading = await this.#readLog(command, null, signal);
    if (exit_code !== null || reading.exit_code !== null) return toState(reading, exit_code);
    const waits = (await this.#watchInput(session, signal)) === "waits";
    return toState(waits ? await this.#readLog(command, null, signal) : reading, null, waits);
  }

  /** Before the session is made: its shell has the sandbox's variables of that moment. */
  async #attachSecrets(signal: AbortSignal): Promise<void> {
    const { secrets, connection } = this.#ports;
    if (secrets.are_given) await connection.call((sandbox) => secrets.prepare(sandbox, signal), signal);
  }

  /** True if a file waits for the command. */
  async #bringSecrets(sandbox: SdkSandbox, session: string, signal: AbortSignal): Promise<boolean> {
    const { secrets, toolbox } = this.#ports;
    const values = await secrets.prepare(sandbox, signal);
    if (values.size > 0) await writeEnvFile({ toolbox, sandbox }, session, values, signal);
    return values.size > 0;
  }

  #watchInput(session: string, signal: AbortSignal): Promise<InputState> {
    const { connection, toolbox } = this.#ports;
    return connection.call((sandbox) => watchInput({ toolbox, sandbox }, session, signal), signal);
  }

  /** Sends a line, and adds a missing line feed as the daemon does. */
  async sendInput(command_id: string, input: string, signal: AbortSignal): Promise<void> {
    checkText(input, "input", MAX_INPUT_BYTES);
    const session = await nameSession(command_id);
    const ended = new SandboxError("failed", `The command ${command_id} has ended and takes no input.`);
    if (this.#terminated.has(command_id)) throw ended;
    const line = input.endsWith("\n") ? input : `${input}\n`;
    for (let attempt = 1; ; attempt++) {
      const { id, exit_code } = await this.#find(command_id, session, signal);
      if (exit_code !== null) throw ended;
      try {
        // Not retried by itself: the program would read the line twice.
        return await this.#ports.connection.call(
          ({ process }) => process.sendSessionCommandInput(session, id, line),
          signal,
          { is_repeatable: false },
        );
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SandboxError) throw error;
        const failure = readFailure(error);
        if (failure.status === 410) throw ended;
        // The shell makes the command's input a moment after the start, and removes it a moment before the exit code.
        if (!isMissingInput(failure)) throw error;
        if (attempt >= INPUT_ATTEMPTS)
          throw new SandboxError("failed", `The command ${command_id} takes no input now. See whether it still runs.`);
        await pause(INPUT_AGAIN_MS * attempt, signal);
      }
    }
  }

  async terminate(command_id: string, signal: AbortSignal): Promise<void> {
    if (this.#terminated.has(command_id)) return;
    const session = await nameSession(command_id);
    const last = await this.#readLast(session, signal);
    // Also without a command: a concurrent start then finds no session and fails.
    const wasThere = await this.#ports.sessions.remove(session, signal, { opens: false });
    if (last === null && !wasThere) throw unknownCommand(command_id);
    if (last !== null && wasThere) remember(this.#terminated, command_id, last);
  }

  /** The output of a command before its termination; null if there is no command. */
  async #readLast(session: string, signal: AbortSignal): Promise<CommandState | null> {
    const options = { opens: false };
    try {
      return await within(LAST_READ_MS, signal, async (end) => {
        const command = await this.#ports.sessions.find(session, end, options);
        if (command === null) return null;
        const mask = await this.#ports.secrets.readMask(end);
        const reading = await this.#readLog({ session, id: command.id, mask }, null, end, options);
        return toState(reading, command.exit_code ?? KILLED_EXIT_CODE);
      });
    } catch {
      signal.throwIfAborted();
      return { exit_code: KILLED_EXIT_CODE, output: "", omitted_bytes: 0 };
    }
  }

  async list(signal: AbortSignal): Promise<CommandInfo[]> {
    const sessions = await this.#ports.sessions.list(signal);
    return sessions.slice(-this.#ports.limits.entries).map(({ name, session, command }) => ({
      command_id: name,
      command: command.command,
      exit_code: command.exit_code ?? this.#ended.get(session) ?? null,
    }));
  }

  async #find(command_id: string, session: string, signal: AbortSignal) {
    const command = await this.#ports.sessions.find(session, signal);
    if (command) return command;
    throw unknownCommand(command_id);
  }

  #sourceOf(command: Followed, signal: AbortSignal): CommandSource {
    const { connection } = this.#ports;
    const { session, id } = command;
    return {
      readLog: (live) => this.#readLog(command, live, signal),
      readExitCode: async () => {
        const command = await connection.call(
          ({ process }) => readCommands(() => process.getSessionCommand(session, id), signal),
          signal,
        );
        return command.exitCode ?? null;
      },
      watchInput: () => this.#watchInput(session, signal),
    };
  }

  #readLog(
    { session, id, mask }: Followed,
    live: LiveOutput | null,
    signal: AbortSignal,
    options: CallOptions = {},
  ): Promise<LogReading> {
    const { connection, toolbox, limits } = this.#ports;
    return connection.call(
      async (sandbox) => {
        const collector = new OutputCollector(limits.output_bytes);
        live?.rewind();
        let printed = 0;
        const show = (stream: StreamName, text: string) => {
          collector.push(text);
          live?.push(stream, text);
        };
        const masked = mask && {
          stdout: mask.begin((text) => show("stdout", text)),
          stderr: mask.begin((text) => show("stderr", text)),
        };
        const log = new CommandLog(session, (stream, text) => {
          printed += text.length;
          if (masked === null) show(stream, text);
          else masked[stream].push(text);
        });
        let characters = 0;
        const request = {
          path: `/process/session/${session}/command/${encodeURIComponent(id)}/logs`,
          signal,
          answer_ms: limits.request_ms,
          timeout_ms: limits.log_ms,
        };
        await toolbox.ask(sandbox, request, (response) =>
          readStringField(response, "output", (piece) => {
            characters += piece.length;
            log.push(piece);
            return characters < limits.log_characters;
          }),
        );
        log.end();
        // While more may come, the beginning of a secret is not shown.
        if (masked !== null && log.is_complete) for (const stream of [masked.stdout, masked.stderr]) stream.end();
        const is_cut = characters >= limits.log_characters;
        return {
          ...collector.read(),
          characters,
          printed,
          exit_code: log.exit_code,
          is_complete: log.is_complete,
          is_cut,
        };
      },
      signal,
      options,
    );
  }
}

/** A command whose log is read. */
interface Followed {
  session: string;
  id: string;
  mask: OutputMask | null;
}

function remember<Value>(memory: Map<string, Value>, key: string, value: Value): void {
  memory.set(key, value);
  const oldest = memory.keys().next().value;
  if (memory.size > MAX_REMEMBERED && oldest !== undefined) memory.delete(oldest);
}

function unknownCommand(command_id: string): SandboxError {
  return new SandboxError(
    "not_found",
    `There is no command ${command_id}: it was never started, was terminated, or the sandbox has been restarted since.`,
  );
}

function checkText(text: string, name: string, limit_bytes: number): void {
  if (text.includes("\0")) throw new SandboxError("invalid", `The ${name} has a NUL character in it.`);
  if (new TextEncoder().encode(text).length > limit_bytes) {
    throw new SandboxError(
      "invalid",
      `The ${name} is longer than ${limit_bytes} bytes: write it to a file and use that.`,
    );
  }
}
