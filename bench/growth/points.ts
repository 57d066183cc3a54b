// All that the sweeps measured: what the tables and the chart are made of.
import type { Order } from "../load/order.ts";
import type { MessagesPoint } from "./messages.ts";
import type { ReadersPoint } from "./readers.ts";
import type { ThreadsPoint } from "./threads.ts";

export interface Growth {
  messages: MessagesPoint[];
  readers: ReadersPoint[];
  threads: ThreadsPoint[];
  /** Of the readers: the other sweeps repeat turns, not themselves. */
  rounds: number;
  /** What the run that they read sends. */
  reading: Order;
}
