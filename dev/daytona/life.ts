/**
 * What a sandbox has only while it is started. A life is the time from one start to the next stop.
 */
import type { Container } from "./container.ts";
import type { PtySessions } from "./pty-sessions.ts";
import type { Sessions } from "./sessions.ts";

export interface Life {
  container: Container;
  sessions: Sessions;
  terminals: PtySessions;
  /** Connections of people, which count as activity. */
  visitors: Set<Visitor>;
}

/** One person's connection. */
export interface Visitor {
  leave(): void;
}
