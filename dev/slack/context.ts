// What every part of the fake receives.
import type { Arguments } from "./arguments.ts";
import type { Clock } from "./clock.ts";
import type { Deliveries } from "./deliver.ts";
import type { Fault } from "./faults.ts";
import type { Json } from "./json.ts";
import type { RateLimits } from "./rate-limits.ts";
import { type Channel, findMessage, type Message, type Store, type Workspace } from "./store.ts";

/** The app's settings. An address that is not set receives nothing. */
export interface App {
  id: string;
  clientId: string;
  clientSecret: string;
  signingSecret: string;
  addresses: { events?: string; interactivity?: string; commands?: string };
  /** Types of events as an app subscribes to them: `message.im` and not `message`. */
  subscriptions: string[];
  /** Granted where an installation doesn't go through OAuth. */
  scopes: string[];
}

export interface LoggedCall {
  at: number;
  method: string;
  team: string | undefined;
  values: Json;
  /** The HTTP status; 0 where the connection was closed instead. */
  status: number;
  ok: boolean;
  error?: string;
  retryAfter?: number;
}

export interface Context {
  clock: Clock;
  store: Store;
  app: App;
  limits: RateLimits;
  faults: Fault[];
  calls: LoggedCall[];
  deliveries: Deliveries;
  url(): string;
}

export interface Caller {
  workspace: Workspace;
  token: string;
  basic: { id: string; secret: string } | undefined;
}

export interface Method {
  arguments: Arguments;
  /** Any one of them suffices. */
  scopes: string[];
  run(values: Json, caller: Caller, context: Context): Json;
}

/** A method that needs no token. */
export interface OpenMethod {
  arguments: Arguments;
  isOpen: true;
  run(values: Json, basic: Caller["basic"], context: Context): Json;
}

export type Methods = Record<string, Method | OpenMethod>;

/** A message as the API and events represent it. */
export function describeMessage(message: Message, channel: Channel, workspace: Workspace): Json {
  const replies = channel.messages.filter(({ thread_ts, ts }) => thread_ts === message.ts && ts !== message.ts);
  return {
    type: "message",
    ...(message.subtype === undefined ? {} : { subtype: message.subtype }),
    user: message.user,
    text: message.text,
    ts: message.ts,
    team: workspace.id,
    ...(message.bot_id === undefined ? {} : { bot_id: message.bot_id, app_id: message.app_id }),
    ...(message.thread_ts === undefined
      ? {}
      : { thread_ts: message.thread_ts, parent_user_id: findMessage(channel, message.thread_ts)?.user }),
    ...(message.blocks === undefined ? {} : { blocks: message.blocks }),
    ...(message.metadata === undefined ? {} : { metadata: message.metadata }),
    ...(message.edited === undefined ? {} : { edited: message.edited }),
    ...(message.stream === undefined ? {} : { streaming_state: message.stream.state }),
    ...(replies.length === 0
      ? {}
      : { thread_ts: message.ts, reply_count: replies.length, latest_reply: replies.at(-1)?.ts }),
  };
}
