// A deployed server, as the checks use it.
import type { Run } from "../../src/protocol/run.ts";

export interface RemoteOptions {
  url: string;
  key: string;
  runs: number;
  /** How long no request is made, so that the object may leave memory. */
  idle_seconds: number;
  /** Whether someone deploys while a run is at work. `work_seconds` is how long it works. */
  deploy: boolean;
  work_seconds: number;
  signal: AbortSignal;
}

/** What a check works with. */
export interface Remote extends RemoteOptions {
  up: Promise<void>;
  /** Messages that ask for a text of about so many words, or for work of so many seconds. */
  prompts: { text: (words: number) => string; work: (seconds: number) => string };
  /** An id that no check has used before. */
  newId: (what: string) => string;
  request: (method: string, path: string, body?: unknown) => Promise<Response>;
  /** Returns the JSON response. Throws for a status other than 2xx. */
  json: <T>(method: string, path: string, body?: unknown) => Promise<T>;
  /** Resolves with the run once it has ended. */
  untilEnded: (thread: string, run: string, within_ms: number) => Promise<Run>;
}
