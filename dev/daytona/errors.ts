/**
 * Daytona's two error formats: the API's, and the toolbox's. A daemon of 0.190 does not name itself in a refusal, so the
 * SDK knows it by its status alone, and a client can't tell it from the proxy's.
 */
import { STATUS_CODES } from "node:http";

/** The proxy's message for a toolbox whose sandbox is not started. */
export const notStartedMessage =
  "failed to resolve container IP after 3 attempts: no IP address found. Is the Sandbox started?";

export class HttpError extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string) {
    super(message);
    this.name = "HttpError";
    this.status = status;
    this.code = code;
  }
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
    // Git's codes are those of newer daemons.
    ...(path.includes("/git/") ? { source: "DAYTONA_DAEMON" } : {}),
    timestamp: new Date().toISOString(),
    path,
    method,
  };
}
