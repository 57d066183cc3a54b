/**
 * Fault injection: failures of Daytona and of the connection to it, for tests and for a person who wants to see how a
 * run handles them. A test changes the list that it gave to `startDaytona`. In a terminal, with the server's key (any
 * key, if it was started without one):
 *
 *     curl -H 'Authorization: Bearer local' http://127.0.0.1:3986/faults \
 *       -d '{"request": "* /toolbox/*", "answer": "bad_gateway", "times": 5}'
 *
 * `GET /faults` lists them with their hits, `DELETE /faults` removes them all. The first fault that matches a request
 * and is not used up applies. Previews are never affected: they are the user's own servers.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  apiErrorBody,
  HttpError,
  type Json,
  notStartedMessage,
  optionalInteger,
  optionalText,
  readJson,
  requireText,
  sendEmpty,
  sendJson,
  toolboxErrorBody,
} from "./http.ts";

const faultAnswers = [
  /** 502 with an empty body: the proxy while a sandbox starts or stops, or when its daemon was killed. */
  "bad_gateway",
  "internal_error",
  /** 429 with the headers of the exceeded limit. */
  "rate_limited",
  /** 404 of the proxy for a sandbox whose container is gone: archived, or moved to another runner. */
  "no_container",
  /** 400 of the proxy for a sandbox that is not up yet. */
  "not_started",
  /** 400 of the proxy when the API does not tell it a sandbox's runner: apps/proxy/pkg/proxy/get_sandbox_target.go. */
  "no_runner_info",
  /** 401 of the proxy when the API does not tell it whether the key is valid: apps/proxy/pkg/proxy/auth.go. */
  "key_unchecked",
  /** 404 of the API for a sandbox that no longer exists. */
  "not_found",
  /** 409 of the API for an order during another change: apps/api/src/sandbox/services/sandbox.service.ts. */
  "state_change",
  /** The daemon's error when its sandbox's disk is full. */
  "disk_full",
  /** 500 of a daemon that has lost the session of a command, as in a restart since it was made. */
  "session_lost",
  /** No response, ever. */
  "silence",
  /** The connection is reset before the request is processed. */
  "reset",
  /** The request is processed, then the connection is reset. */
  "lost_answer",
  /** The true response, but with another state of the sandbox. */
  "state",
  /** No failure: only counts requests. */
  "none",
] as const;

export type FaultAnswer = (typeof faultAnswers)[number];

export interface Fault {
  /** `METHOD /path`, where `*` matches any text: `POST /api/sandbox`, `* /toolbox/*`. */
  request: string;
  answer: FaultAnswer;
  /** How many requests it applies to; all if absent. */
  times?: number;
  /** How many requests it has applied to. */
  hits?: number;
  /** For the answer `state`: any state of Daytona's, including those that this server never enters. */
  state?: string;
  /** For the answer `rate_limited`. */
  retryAfterSeconds?: number;
}

const maxFaults = 100;
const maxPattern = 300;
const maxStars = 8;

/** The fault that applies to a request; its hit is counted. */
export function meetFault(faults: Fault[], method: string, path: string): Fault | undefined {
  let decisive: Fault | undefined;
  for (const fault of faults) {
    if ((fault.hits ?? 0) >= (fault.times ?? Number.POSITIVE_INFINITY)) continue;
    if (!readPattern(fault.request).test(`${method} ${path}`)) continue;
    if (decisive && fault.answer !== "none") continue;
    fault.hits = (fault.hits ?? 0) + 1;
    if (fault.answer !== "none") decisive = fault;
  }
  return decisive;
}

function readPattern(request: string): RegExp {
  const parts = request.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

/** Returns whether the fault alone has handled the request, with a response or without one. */
export function failRequest(fault: Fault, request: IncomingMessage, response: ServerResponse, path: string): boolean {
  switch (fault.answer) {
    case "state":
    case "none":
      return false;
    case "lost_answer":
      // Every response begins with its headers.
      response.writeHead = () => {
        request.socket.resetAndDestroy();
        return response;
      };
      return false;
    case "silence":
      request.resume();
      return true;
    case "reset":
      request.socket.resetAndDestroy();
      return true;
    default:
      request.resume();
      sendFailure(fault, request, response, path);
      return true;
  }
}

const unreachable = "failed to validateAndCache after 3 attempts: dial tcp: connect: connection refused";

/** Faults that are errors of the API: status and message. */
const apiFailures: { [answer in FaultAnswer]?: (path: string) => HttpError } = {
  internal_error: () => new HttpError(500, "Internal server error"),
  rate_limited: () => new HttpError(429, "ThrottlerException: Too Many Requests"),
  no_container: (path) => new HttpError(404, `No such container: ${path.split("/")[2] ?? ""}`),
  not_started: () => new HttpError(400, notStartedMessage),
  no_runner_info: () => new HttpError(400, "failed to get runner info: Service Unavailable"),
  key_unchecked: () => new HttpError(401, `authentication failed: Bearer token validation error: ${unreachable}`),
  state_change: () => new HttpError(409, "Sandbox state change in progress"),
  not_found: (path) => new HttpError(404, `Sandbox with ID or name ${path.split("/")[3] ?? ""} not found`),
};

function sendFailure(fault: Fault, request: IncomingMessage, response: ServerResponse, path: string): void {
  const failure = apiFailures[fault.answer]?.(path);
  if (fault.answer === "rate_limited")
    for (const [name, value] of limitHeaders(fault, path)) response.setHeader(name, value);
  if (failure) sendJson(response, failure.status, apiErrorBody(failure, path));
  else if (fault.answer === "session_lost") sendSessionLost(request, response, path);
  else if (fault.answer === "disk_full") sendDiskFull(request, response, path);
  else sendEmpty(response, 502);
}

function sendSessionLost(request: IncomingMessage, response: ServerResponse, path: string): void {
  const lost = new HttpError(500, "failed to execute command: session not found");
  sendJson(response, 500, toolboxErrorBody(lost, request.method ?? "GET", path));
}

function sendDiskFull(request: IncomingMessage, response: ServerResponse, path: string): void {
  const message = "write: no space left on device";
  if (path.endsWith("/bulk-upload")) sendJson(response, 400, { errors: [message], files: [], message });
  else sendJson(response, 500, toolboxErrorBody(new HttpError(500, message), request.method ?? "GET", path));
}

function limitHeaders(fault: Fault, path: string): [string, string][] {
  const seconds = String(fault.retryAfterSeconds ?? 1);
  const isCreation = path === "/api/sandbox";
  const limit = isCreation
    ? "sandbox-create"
    : /\/(start|stop|pause|archive|recover|resize|fork|snapshot)$/.test(path)
      ? "sandbox-lifecycle"
      : "authenticated";
  return [
    [`X-RateLimit-Limit-${limit}`, "300"],
    [`X-RateLimit-Remaining-${limit}`, "0"],
    [`X-RateLimit-Reset-${limit}`, seconds],
    [`Retry-After-${limit}`, seconds],
  ];
}

/** `/faults`, for a person in a terminal. */
export async function serveFaults(request: IncomingMessage, response: ServerResponse, faults: Fault[]): Promise<void> {
  if (request.method === "POST") {
    if (faults.length >= maxFaults) throw new HttpError(400, `more than ${maxFaults} faults`);
    faults.push(readFault(await readJson(request)));
  } else if (request.method === "DELETE") faults.length = 0;
  else if (request.method !== "GET") throw new HttpError(405, "GET, POST and DELETE are served here");
  sendJson(response, 200, faults);
}

function readFault(body: Json): Fault {
  const pattern = requireText(body, "request");
  if (pattern.length > maxPattern || pattern.split("*").length > maxStars + 1 || !/^\S+ [/*]/.test(pattern))
    throw new HttpError(400, "request must be METHOD /path, where * matches any text");
  const answer = faultAnswers.find((name) => name === body.answer);
  if (answer === undefined) throw new HttpError(400, `answer must be one of ${faultAnswers.join(", ")}`);
  const state = optionalText(body, "state");
  if (answer === "state" && !/^[a-z_]{1,40}$/.test(state ?? ""))
    throw new HttpError(400, "state must be one of Daytona's");
  const times = optionalInteger(body, "times", 1);
  const retryAfterSeconds = optionalInteger(body, "retryAfterSeconds", 0);
  return {
    request: pattern,
    answer,
    ...(times === undefined ? {} : { times }),
    ...(state === undefined ? {} : { state }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}
