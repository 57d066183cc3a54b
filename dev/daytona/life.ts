/**
 * What a started sandbox has beyond its record.
 */
import type { Container } from "./container.ts";
import type { PtySessions } from "./pty-sessions.ts";
import type { Sessions } from "./sessions.ts";

export interface Life {
  container: Container;
  sessions: Sessions;
  terminals: PtySessions;
  /** Connections of people, which keep the sandbox from being idle. */
  visitors: Set<Visitor>;
  /** Its processes are held still. */
  frozen: boolean;
}

/** Someone's connection. */
export interface Visitor {
  leave(): void;
}
