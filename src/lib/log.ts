// One JSON line per event worth an operator's eye. Callers name each field: never headers, bodies, keys or contents.

export type LogFields = Record<string, string | number | boolean | null>;

// An error's message may quote what it was given; this much is enough to find its cause.
const ERROR_UNITS = 500;

export function logWarning(event: string, fields: LogFields): void {
  console.warn(JSON.stringify({ level: "warning", event, ...fields }));
}

export function logError(event: string, error: unknown, fields: LogFields): void {
  console.error(JSON.stringify({ level: "error", event, ...fields, error: describeError(error) }));
}

/** Name and message of an error, in one line and without its stack. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
  return text.replace(/\s+/g, " ").slice(0, ERROR_UNITS);
}
