// A deployed server as a check has it.
import type { Run } from "../../src/protocol/run.ts";

export interface RemoteOptions {
  url: string;
  key: string;
  runs: number;
  /** How long nobody asks, so that the object may leave memory. */
  idle_seconds: number;
  /** Whether somebody is there to deploy while a run is at work, and how long it works. */
  deploy: boolean;
  work_seconds: number;
  signal: AbortSignal;
}

/** What a check works with. */
export interface Remote extends RemoteOptions {
  up: Promise<void>;
  /** What a message says that asks for a text of about so many words, or for work of so many seconds. */
  prompts: { text: (words: number) => string; work: (seconds: number) => string };
  /** An id that no check before has used. */
  newId: (what: string) => string;
  request: (method: string, path: string, body?: unknown) => Promise<Response>;
  /** Answered as JSON; throws where the status is not 2xx. */
  json: <T>(method: string, path: string, body?: unknown) => Promise<T>;
  /** The run once it has ended. */
  untilEnded: (thread: string, run: string, within_ms: number) => Promise<Run>;
}
