// What waits on a thread while a run works: messages of people that no run has taken yet.
import type { UserContent } from "./message.ts";
import type { BusyPolicy } from "./run.ts";

export const waitingPolicies = ["enqueue", "steer"] as const satisfies readonly BusyPolicy[];

export interface WaitingMessage {
  /** Of the request that brought it: the run that it will begin. What steers begins one only if it comes too late. */
  invocation_id: string;
  message_id: string;
  /** `steer`: the active run takes it at its next step; `enqueue`: a run of its own does, after those before it. */
  on_busy: (typeof waitingPolicies)[number];
  content: UserContent;
  /** Whether some of the content is left out here; the message will have all of it. */
  is_cut: boolean;
  created_at: string;
}
