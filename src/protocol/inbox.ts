// Messages of people that wait on a thread while a run works: no run has read them yet.
import type { UserContent } from "./message.ts";
import type { BusyPolicy } from "./run.ts";

export const waitingPolicies = ["enqueue", "steer"] as const satisfies readonly BusyPolicy[];

/** How a person changes a message that waits. */
export interface WaitingChange {
  content?: UserContent;
  /** The active run reads it at its next step, and no run of its own does. */
  steers?: boolean;
}

export interface WaitingMessage {
  /** The run that this message will start. A steering message starts a run only if it arrives too late to steer. */
  invocation_id: string;
  message_id: string;
  /**
   * `steer`: the active run reads the message at its next step. `enqueue`: it starts a run of its own, after those
   * before it.
   */
  on_busy: (typeof waitingPolicies)[number];
  content: UserContent;
  /** Whether some of the content is left out here; the message itself keeps all of it. */
  is_cut: boolean;
  created_at: string;
}
