/**
 * Daytona's two error formats: the API's, and the toolbox's. A daemon of 0.190 does not name itself in a refusal, so the
 * SDK knows it by its status alone, and a client can't tell it from the proxy's.
 */
import { STATUS_CODES } from "node:http";

/** The proxy's message for a toolbox whose sandbox is not started. */
export const notStartedMessage =
  "failed to resolve container IP after 3 attempts: no IP address found. Is the Sandbox started?";

/** apps/proxy/pkg/proxy/auth.go: the same for an unknown key and for a sandbox that does not exist. */
export const invalidKeyMessage = "authentication failed: Bearer token is invalid";
export const missingKeyMessage =
  "missing authentication: provide a preview access token (via header, query parameter, or cookie) or use an API key or JWT";

export class HttpError extends Error {
  readonly status: number;
  readonly code: string | undefined;
  /** The proxy in front of the sandboxes refused, so the daemon was not reached. */
  readonly isOfProxy: boolean;

  constructor(status: number, message: string, code?: string, { isOfProxy = false } = {}) {
    super(message);
    this.name = "HttpError";
    this.status = status;
    this.code = code;
    this.isOfProxy = isOfProxy;
  }
}

export function refuseAtProxy(status: number, message: string): HttpError {
  return new HttpError(status, message, undefined, { isOfProxy: true });
}

/** Internal failures (a bug, a full disk) are reported without details. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOSPC") return new HttpError(500, "no space left on the device of the state directory");
  return new HttpError(500, "Internal server error");
}

export function apiErrorBody(error: HttpError, path: string): Record<string, unknown> {
  return {
    path,
    timestamp: new Date().toISOString(),
    statusCode: error.status,
    error: STATUS_CODES[error.status] ?? "Error",
    message: error.message,
  };
}

const genericCodes: Record<number, string> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  408: "REQUEST_TIMEOUT",
  409: "CONFLICT",
  410: "GONE",
  422: "UNPROCESSABLE_ENTITY",
};

export function toolboxErrorBody(error: HttpError, method: string, path: string): Record<string, unknown> {
  return {
    statusCode: error.status,
    message: error.message,
    code: error.code ?? genericCodes[error.status] ?? "INTERNAL_SERVER_ERROR",
    // Git's codes are those of newer daemons, which name themselves.
    ...(path.includes("/git/") && !error.isOfProxy ? { source: "DAYTONA_DAEMON" } : {}),
    timestamp: new Date().toISOString(),
    path,
    method,
  };
}
