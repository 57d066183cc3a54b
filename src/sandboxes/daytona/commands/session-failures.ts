// What the daemon's failures around sessions mean. Version 0.190 wraps the failure of a start, and so answers 500 where
// it means 404; its words are what is left.
import { type DaytonaFailure, readFailure } from "../client/failure.ts";
import { pause } from "../client/waiting.ts";

/** Enough for one file to be written. */
const READS = 5;
const READ_AGAIN_MS = 40;

/** The session is gone: deleted, or lost with a restart of the sandbox. */
export function isMissingSession({ status, message }: DaytonaFailure): boolean {
  return status === 404 || (status === 500 && /session not found|session cancelled/i.test(message));
}

/** The session is there, but its shell has ended: it was killed, mostly for want of memory. */
export function isDeadSession({ status, message }: DaytonaFailure): boolean {
  return (status === 500 || status === 400) && /failed to write command/i.test(message);
}

/** The command's input does not exist: its shell has not made it yet, or has removed it at the command's end. */
export function isMissingInput({ status, message }: DaytonaFailure): boolean {
  return status === 500 && /failed to open input pipe/i.test(message);
}

/** The exit code is read while it is written: the file is there, and empty. */
function isHalfWritten({ status, message }: DaytonaFailure): boolean {
  return status === 500 && /strconv\.Atoi|exit code/i.test(message);
}

/** Reads commands of sessions, and again while an exit code is being written. */
export async function readCommands<Value>(read: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= READS || !isHalfWritten(readFailure(error))) throw error;
      await pause(READ_AGAIN_MS, signal);
    }
  }
}
