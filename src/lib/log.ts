// Writes one JSON line for each event that an operator should see. Callers name each field: never headers, bodies, keys
// or contents.

export type LogFields = Record<string, string | number | boolean | null>;

// Enough to find the cause of an error.
const ERROR_UNITS = 500;

export function logInfo(event: string, fields: LogFields): void {
  console.log(JSON.stringify({ level: "info", event, ...fields }));
}

export function logWarning(event: string, fields: LogFields): void {
  console.warn(JSON.stringify({ level: "warning", event, ...fields }));
}

export function logError(event: string, error: unknown, fields: LogFields): void {
  console.error(JSON.stringify({ level: "error", event, ...fields, error: describeError(error) }));
}

/**
 * An error in one line. Only the innermost cause is included: errors that wrap it may quote the values they were called
 * with.
 */
export function describeError(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  const text = innermost instanceof Error ? `${innermost.name}: ${innermost.message}` : typeof innermost;
  return text.replace(/\s+/g, " ").slice(0, ERROR_UNITS);
}
