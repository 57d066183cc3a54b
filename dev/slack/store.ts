/**
 * The content of the fake's workspaces, in memory: people, channels, messages with all that they ever showed, and what
 * belongs to messages. Bounded, so that a program that posts in a loop gets an error before it uses up the machine's
 * memory.
 */

import type { Clock } from "./clock.ts";
import { SlackError } from "./errors.ts";
import type { Json } from "./json.ts";
import type { Stream } from "./stream.ts";

export interface User {
  id: string;
  name: string;
  isBot?: true;
}

export interface Message {
  ts: string;
  thread_ts?: string;
  user: string;
  bot_id?: string;
  app_id?: string;
  subtype?: string;
  text: string;
  /** Whether `text` is markdown rather than Slack's own mrkdwn. */
  isMarkdown?: true;
  blocks?: Json[];
  metadata?: Json;
  edited?: { user: string; ts: string };
  stream?: Stream;
  /** What was shown before each `chat.update`. */
  history: { text: string; blocks?: Json[] }[];
}

export interface Ephemeral {
  ts: string;
  thread_ts?: string;
  /** The only person who sees it. */
  user: string;
  text: string;
  blocks?: Json[];
}

export interface AssistantThread {
  status: string;
  statusUntil: number;
  title: string;
  prompts: { title: string; message: string }[];
  /** Set by `agents.sessions.setStatus`. */
  session?: string;
}

export interface Channel {
  id: string;
  name: string;
  kind: "channel" | "group" | "im";
  members: Set<string>;
  archived: boolean;
  messages: Message[];
  ephemerals: Ephemeral[];
  threads: Map<string, AssistantThread>;
}

export interface OpenView {
  id: string;
  hash: string;
  rootId: string;
  previousId?: string;
  user: string;
  view: Json;
  /** The errors of the last rejected submission: block id → message. */
  errors: Record<string, string>;
}

export interface Workspace {
  id: string;
  name: string;
  domain: string;
  users: Map<string, User>;
  channels: Map<string, Channel>;
  views: OpenView[];
  bot: { userId: string; botId: string };
  /** The app of `bot`, where it is another one than the app that is tried: see `addGuest`. */
  guestApp?: string;
  /** Undefined where the app is not installed. */
  token: string | undefined;
  scopes: string[];
}

export interface Trigger {
  workspace: Workspace;
  user: string;
  at: number;
  used: boolean;
}

export interface ResponseAddress {
  workspace: Workspace;
  channel: Channel;
  user: string;
  at: number;
  used: number;
  /** The message that contains the clicked element. */
  message?: Message;
  ephemeral?: Ephemeral;
}

const maxMessages = 5000;
const maxKept = 1000;

export class Store {
  readonly workspaces = new Map<string, Workspace>();
  readonly triggers = new Map<string, Trigger>();
  readonly responses = new Map<string, ResponseAddress>();
  /** Workspaces as other apps' tokens see them, by token. */
  readonly guests = new Map<string, Workspace>();
  readonly deadTokens = new Map<string, "token_revoked" | "account_inactive">();
  readonly clock: Clock;
  private count = 0;
  private lastMicros = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** E.g. `U0000000A`. */
  newId(prefix: string): string {
    this.count += 1;
    return `${prefix}${this.count.toString(36).toUpperCase().padStart(9, "0")}`;
  }

  /** Seconds with six decimals: they identify a message in its channel, so they are unique. */
  newTs(): string {
    const micros = Math.max(this.clock.now() * 1000, this.lastMicros + 1);
    this.lastMicros = micros;
    return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, "0")}`;
  }

  addWorkspace(name: string): Workspace {
    const workspace: Workspace = {
      id: this.newId("T"),
      name,
      domain: name.toLowerCase().replace(/[^a-z0-9]+/g, "-"),
      users: new Map(),
      channels: new Map(),
      views: [],
      bot: { userId: this.newId("U"), botId: this.newId("B") },
      token: undefined,
      scopes: [],
    };
    workspace.users.set(workspace.bot.userId, { id: workspace.bot.userId, name: "taskloom", isBot: true });
    this.workspaces.set(workspace.id, workspace);
    return workspace;
  }

  /** The same workspace for the token of another app, which has a bot of its own there and receives no events here. */
  addGuest(workspace: Workspace, app: string, scopes: string[]): Workspace {
    const bot = { userId: this.newId("U"), botId: this.newId("B") };
    workspace.users.set(bot.userId, { id: bot.userId, name: "guest", isBot: true });
    const token = `xoxb-${workspace.id}-${crypto.randomUUID().replaceAll("-", "")}`;
    const guest = { ...workspace, bot, guestApp: app, token, scopes };
    keep(this.guests, token, guest);
    return guest;
  }

  /** All bots of a workspace, with what each may do. */
  botsOf(workspace: Workspace): Workspace[] {
    const own = this.workspaces.get(workspace.id);
    return [...(own ? [own] : []), ...[...this.guests.values()].filter(({ id }) => id === workspace.id)];
  }

  addUser(workspace: Workspace, name: string): User {
    const user = { id: this.newId("U"), name };
    workspace.users.set(user.id, user);
    for (const channel of workspace.channels.values()) if (channel.kind === "channel") channel.members.add(user.id);
    return user;
  }

  /** People are members of public channels; the bot is a member where it was invited. */
  addChannel(workspace: Workspace, name: string, kind: Channel["kind"], members: string[]): Channel {
    const prefix = { channel: "C", group: "G", im: "D" }[kind];
    const channel: Channel = {
      id: this.newId(prefix),
      name,
      kind,
      members: new Set(members),
      archived: false,
      messages: [],
      ephemerals: [],
      threads: new Map(),
    };
    workspace.channels.set(channel.id, channel);
    return channel;
  }

  /** The direct conversation of a person with the app. */
  directChannel(workspace: Workspace, user: string): Channel {
    const { userId } = workspace.bot;
    const isTheirs = (channel: Channel): boolean => channel.kind === "im" && channel.members.has(user);
    return (
      [...workspace.channels.values()].find(isTheirs) ??
      this.addChannel(workspace, `dm-${workspace.users.get(user)?.name ?? user}`, "im", [userId, user])
    );
  }

  addMessage(channel: Channel, message: Omit<Message, "ts" | "history">): Message {
    if (channel.messages.length >= maxMessages) throw new SlackError("message_limit_exceeded");
    const added: Message = { ...message, ts: this.newTs(), history: [] };
    channel.messages.push(added);
    return added;
  }

  addEphemeral(channel: Channel, ephemeral: Omit<Ephemeral, "ts">): Ephemeral {
    const added: Ephemeral = { ...ephemeral, ts: this.newTs() };
    channel.ephemerals.push(added);
    if (channel.ephemerals.length > maxKept) channel.ephemerals.shift();
    return added;
  }

  addTrigger(workspace: Workspace, user: string): string {
    this.count += 1;
    const id = `${this.count}.${workspace.id.replace(/\D/g, "") || "1"}.${crypto.randomUUID().replaceAll("-", "")}`;
    keep(this.triggers, id, { workspace, user, at: this.clock.now(), used: false });
    return id;
  }

  addResponse(address: Omit<ResponseAddress, "at" | "used">): string {
    const id = crypto.randomUUID().replaceAll("-", "");
    keep(this.responses, id, { ...address, at: this.clock.now(), used: 0 });
    return id;
  }

  findByToken(token: string): Workspace | undefined {
    if (this.deadTokens.has(token)) return undefined;
    return this.guests.get(token) ?? [...this.workspaces.values()].find((workspace) => workspace.token === token);
  }

  /** Searches all workspaces: ids are unique. */
  findChannel(id: string): { workspace: Workspace; channel: Channel } | undefined {
    for (const workspace of this.workspaces.values()) {
      const channel = workspace.channels.get(id);
      if (channel) return { workspace, channel };
    }
    return undefined;
  }
}

/** Removes the oldest entry when the map is full. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= maxKept) for (const oldest of [...map.keys()].slice(0, 1)) map.delete(oldest);
  map.set(key, value);
}

/** Called before a message changes. */
export function remember(message: Message): void {
  message.history.push({ text: message.text, ...(message.blocks ? { blocks: message.blocks } : {}) });
  if (message.history.length > maxKept) message.history.shift();
}

export function findMessage(channel: Channel, ts: string): Message | undefined {
  return channel.messages.find((message) => message.ts === ts);
}

/** A thread's first message and its replies, in order. */
export function readThread(channel: Channel, root: string): Message[] {
  return channel.messages.filter(({ ts, thread_ts }) => ts === root || thread_ts === root);
}
