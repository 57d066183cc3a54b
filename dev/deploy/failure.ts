// What stops a command: what is wrong, and what a person can do. A bug is any other error.
export class Failure extends Error {
  readonly remedy: string;
  /** Of the command, in which it happened. */
  step: string | null = null;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** How the commands end on an error. */
export function showError(error: unknown): string {
  if (error instanceof Failure) {
    const lines = [error.step === null ? error.message : `✗ ${error.step}: ${error.message}`, "", error.remedy];
    return lines.join("\n").replaceAll(/^(?=.)/gm, "  ");
  }
  if (isOfFile(error)) {
    const { path, code } = error;
    return `  ${path} can't be used (${code})\n\n  Look at what it is and who may read and write it.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Of the file system: a folder in place of a file, one that somebody else owns, a full disk. */
function isOfFile(error: unknown): error is Error & { path: string; code: string } {
  const { path, code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && typeof path === "string" && code !== undefined && syscall !== undefined;
}
