/**
 * The toolbox's processes, ports and paths: `/toolbox/{id}/process/execute`, `/port`, `/work-dir`, …
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Container, readReply } from "./container.ts";
import type { Handler } from "./http.ts";
import {
  type Exchange,
  HttpError,
  integerParameter,
  optionalText,
  optionalTextMap,
  parameter,
  readJson,
  sendJson,
} from "./http.ts";
import { type Frame, frameKind, parseJson } from "./keeper/channel.ts";
import { isVariableName } from "./keeper/settings.ts";

interface Context {
  life: { container: Container };
  refusal: string | undefined;
}

/** The response is one JSON text in memory; for more output use a session, whose log is a file. */
const maxResultBytes = 16 * 1024 * 1024;
/**
 * Past the limit, output is read with this pause after each read, so that a flood waits in its pipe instead of using a
 * whole core.
 */
const discardPauseMs = 50;
const maxTimeoutSeconds = 2_000_000;

export const processRoutes: Record<string, Handler<Context>> = {
  "POST /process/execute": execute,
  "GET /user-home-dir": sendHome,
  "GET /work-dir": (exchange, { life }) => sendJson(exchange.response, 200, { dir: life.container.workDir }),
  "GET /version": (exchange) => sendJson(exchange.response, 200, { version: "0.218.0-taskloom" }),
  "GET /port/{port}/in-use": async (exchange, { life }) => {
    // The real daemon supports only this range; what other ports serve shows through its proxy.
    const port = integerParameter(parameter(exchange, "port"), "port", 3_000, 9_999);
    sendJson(exchange.response, 200, await life.container.ask("port", { port }));
  },
};

function sendHome(exchange: Exchange, { life }: Context): void {
  sendJson(exchange.response, 200, { dir: life.container.home });
}

export function checkVariables(variables: Record<string, string>): Record<string, string> {
  const wrong = Object.keys(variables).find((name) => !isVariableName(name));
  if (wrong !== undefined) throw new HttpError(400, `invalid environment variable name: ${wrong.slice(0, 100)}`);
  if (Object.values(variables).some((value) => value.includes("\0"))) {
    throw new HttpError(400, "an environment variable can't hold a NUL byte");
  }
  return variables;
}

export function requireCommands(context: { refusal: string | undefined }): void {
  if (context.refusal !== undefined) throw new HttpError(403, context.refusal);
}

async function execute(exchange: Exchange, context: Context): Promise<void> {
  const body = await readJson(exchange.request);
  requireCommands(context);
  const command = body.command;
  if (typeof command !== "string" || command.trim() === "") throw new HttpError(400, "command is required");
  const order = {
    command,
    cwd: optionalText(body, "cwd") ?? "",
    variables: checkVariables(optionalTextMap(body, "envs")),
  };
  sendJson(exchange.response, 200, await runToEnd(context, "execute", order, readTimeout(body.timeout)));
}

/** Waits until a program ends, or ends it when its time is up. A limit of 0 means none. */
export async function runToEnd(
  context: Context,
  operation: string,
  order: Record<string, unknown>,
  seconds: number,
): Promise<{ exitCode: number; result: string }> {
  const channel = await context.life.container.open(operation, order);
  let expired = false;
  // Closing the channel kills the command with all it started. A timer can't wait longer than 2^31 ms.
  const timer =
    seconds === 0
      ? undefined
      : setTimeout(() => {
          expired = true;
          channel.socket.destroy();
        }, seconds * 1000);
  try {
    return await collectResult(channel.reader);
  } catch (error) {
    if (!expired) throw error;
    throw new HttpError(408, "command execution timeout");
  } finally {
    clearTimeout(timer);
    channel.socket.destroy();
  }
}

function readTimeout(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > maxTimeoutSeconds) {
    throw new HttpError(400, "timeout must be a whole number of seconds");
  }
  return Number(value);
}

interface Frames {
  next(): Promise<Frame | undefined>;
}

async function collectResult(reader: Frames): Promise<{ exitCode: number; result: string }> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (let frame = await reader.next(); frame; frame = await reader.next()) {
    if (frame.kind === frameKind.json) {
      const report = parseJson(frame);
      if (report.ok === false) readReply(frame);
      const cut = bytes > maxResultBytes ? "\n[output beyond 16 MiB is not kept]\n" : "";
      return { exitCode: Number(report.exitCode), result: Buffer.concat(pieces).toString("utf8") + cut };
    }
    if (bytes <= maxResultBytes) pieces.push(Buffer.from(frame.payload));
    else await pause(discardPauseMs);
    bytes += frame.payload.length;
  }
  throw new HttpError(502, "the sandbox ended while the command ran");
}

/** A part of Daytona that is not implemented here. */
export function describeAbsent(method: string, path: string): HttpError {
  return new HttpError(501, `${method} ${path} is not supported by this server`, "NOT_IMPLEMENTED");
}
