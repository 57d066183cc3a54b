/**
 * A keeper's refusal: a status, one of the daemon's codes and a message, sent to the server as data.
 */
export interface Failure {
  status: number;
  code: string;
  message: string;
}

export class KeeperError extends Error {
  readonly failure: Failure;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "KeeperError";
    this.failure = { status, code, message };
  }
}

const byCode: Record<string, [status: number, code: string, text: string]> = {
  ENOENT: [404, "FILE_NOT_FOUND", "file not found"],
  EACCES: [403, "FILE_ACCESS_DENIED", "permission denied"],
  EPERM: [403, "FILE_ACCESS_DENIED", "operation not permitted"],
  EROFS: [403, "FILE_ACCESS_DENIED", "read-only file system"],
  ENXIO: [400, "INVALID_FILE_PATH", "not a regular file"],
  EIO: [400, "INVALID_FILE_PATH", "input or output error"],
  EAGAIN: [400, "INVALID_FILE_PATH", "nothing to read now"],
  EBUSY: [403, "FILE_ACCESS_DENIED", "device or resource busy"],
  EEXIST: [409, "CONFLICT", "file exists"],
  ENOTDIR: [400, "BAD_REQUEST", "not a directory"],
  EISDIR: [400, "BAD_REQUEST", "is a directory"],
  ELOOP: [400, "BAD_REQUEST", "too many levels of symbolic links"],
  ENAMETOOLONG: [400, "BAD_REQUEST", "file name too long"],
  EINVAL: [400, "BAD_REQUEST", "invalid argument"],
  ENOTEMPTY: [409, "CONFLICT", "directory not empty"],
  ENOSPC: [500, "INTERNAL_SERVER_ERROR", "no space left on device"],
};

/** `path` is the one that the client named; Node's messages name the path after mapping. */
export function describeFailure(error: unknown, path?: string): Failure {
  if (error instanceof KeeperError) return error.failure;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = byCode[code];
  if (known) {
    const [status, name, text] = known;
    return { status, code: name, message: path === undefined ? text : `${text}: ${path}` };
  }
  // Copying a pipe, a socket or a folder into itself.
  if (code.startsWith("ERR_FS_CP")) return { status: 400, code: "BAD_REQUEST", message: "this can't be copied" };
  if (code.startsWith("ERR_INVALID_ARG")) return { status: 400, code: "BAD_REQUEST", message: "invalid argument" };
  return { status: 500, code: "INTERNAL_SERVER_ERROR", message: code || "unexpected failure in the sandbox" };
}
