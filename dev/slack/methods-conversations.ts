// Reads: conversations.replies, .history, .info, .open; users.info, bots.info, team.info.
import { describeMessage, type Method, type Methods } from "./context.ts";
import { invalidArguments, SlackError } from "./errors.ts";
import type { Json } from "./json.ts";
import { type Channel, findMessage, type Message, readThread, type Workspace } from "./store.ts";

const text = { kind: "text" } as const;
const flag = { kind: "flag" } as const;
const required = { kind: "text", required: true } as const;
const maxPage = 1000;

const page = { cursor: text, limit: { kind: "number" }, oldest: text, latest: text, inclusive: flag } as const;

function openReadable(id: unknown, workspace: Workspace): Channel {
  const channel = workspace.channels.get(String(id));
  if (!channel) throw new SlackError("channel_not_found");
  if (!channel.members.has(workspace.bot.userId))
    throw new SlackError(channel.kind === "channel" ? "not_in_channel" : "channel_not_found");
  return channel;
}

function scopesOf(action: "history" | "read"): string[] {
  return ["channels", "groups", "im", "mpim"].map((kind) => `${kind}:${action}`);
}

function turnPage(messages: Message[], values: Json, describe: (message: Message) => Json): Json {
  const limit = Math.min(Number(values.limit ?? maxPage), maxPage);
  if (!(limit >= 1)) throw invalidArguments("limit must be at least 1");
  const offset = values.cursor === undefined ? 0 : Number(atob(String(values.cursor)));
  if (!Number.isInteger(offset) || offset < 0) throw new SlackError("invalid_cursor");
  const after = typeof values.oldest === "string" ? values.oldest : "";
  const before = typeof values.latest === "string" ? values.latest : "\uffff";
  const isWithin = ({ ts }: Message): boolean =>
    (ts > after && ts < before) || (values.inclusive === true && (ts === after || ts === before));
  const within = messages.filter(isWithin);
  const shown = within.slice(offset, offset + limit);
  const isMore = offset + limit < within.length;
  return {
    messages: shown.map(describe),
    has_more: isMore,
    ...(isMore ? { response_metadata: { next_cursor: btoa(String(offset + limit)) } } : {}),
  };
}

const replies: Method = {
  scopes: scopesOf("history"),
  arguments: { channel: required, ts: required, include_all_metadata: flag, ...page },
  run(values, { workspace }) {
    const channel = openReadable(values.channel, workspace);
    const named = findMessage(channel, String(values.ts));
    if (!named) throw new SlackError("thread_not_found");
    const thread = readThread(channel, named.thread_ts ?? named.ts);
    return turnPage(thread, values, (message) => describeMessage(message, channel, workspace));
  },
};

const history: Method = {
  scopes: scopesOf("history"),
  arguments: { channel: required, include_all_metadata: flag, ...page },
  run(values, { workspace }) {
    const channel = openReadable(values.channel, workspace);
    const roots = channel.messages.filter(({ thread_ts }) => thread_ts === undefined).reverse();
    return turnPage(roots, values, (message) => describeMessage(message, channel, workspace));
  },
};

function describeChannel(channel: Channel, workspace: Workspace): Json {
  const other = [...channel.members].find((id) => id !== workspace.bot.userId);
  return {
    id: channel.id,
    name: channel.name,
    is_channel: channel.kind === "channel",
    is_group: channel.kind === "group",
    is_im: channel.kind === "im",
    is_private: channel.kind !== "channel",
    is_archived: channel.archived,
    is_member: channel.members.has(workspace.bot.userId),
    context_team_id: workspace.id,
    ...(channel.kind === "im" ? { user: other } : {}),
  };
}

const info: Method = {
  scopes: scopesOf("read"),
  arguments: { channel: required, include_locale: flag, include_num_members: flag },
  run(values, { workspace }) {
    const channel = workspace.channels.get(String(values.channel));
    const isHidden = channel?.kind === "group" && !channel.members.has(workspace.bot.userId);
    if (!channel || isHidden) throw new SlackError("channel_not_found");
    return { channel: describeChannel(channel, workspace) };
  },
};

const open: Method = {
  scopes: ["im:write"],
  arguments: { channel: text, users: text, return_im: flag, prevent_creation: flag },
  run(values, { workspace }, { store }) {
    if (values.channel !== undefined) return { channel: { id: openReadable(values.channel, workspace).id } };
    if (values.users === undefined) throw new SlackError("users_list_not_supplied");
    const user = String(values.users);
    if (user.includes(",")) throw new SlackError("method_not_supported_for_channel_type");
    if (!workspace.users.has(user)) throw new SlackError("user_not_found");
    return { channel: { id: store.directChannel(workspace, user).id } };
  },
};

const userInfo: Method = {
  scopes: ["users:read"],
  arguments: { user: required, include_locale: flag },
  run(values, { workspace }) {
    const user = workspace.users.get(String(values.user));
    if (!user) throw new SlackError("user_not_found");
    const names = { real_name: user.name, display_name: user.name };
    const isBot = user.isBot === true;
    return { user: { id: user.id, team_id: workspace.id, name: user.name, ...names, is_bot: isBot, profile: names } };
  },
};

/** Also of other apps' bots, and of the caller's own only with the scope. */
const botInfo: Method = {
  scopes: ["users:read"],
  arguments: { bot: text, team_id: text },
  run(values, { workspace }, { app, store }) {
    const found = store.botsOf(workspace).find(({ bot }) => bot.botId === values.bot);
    if (!found) throw new SlackError("bot_not_found");
    const { userId, botId } = found.bot;
    const name = workspace.users.get(userId)?.name;
    const icons = { image_36: "", image_48: "", image_72: "" };
    const app_id = found.guestApp ?? app.id;
    return { bot: { id: botId, deleted: false, name, updated: 0, app_id, user_id: userId, icons } };
  },
};

const teamInfo: Method = {
  scopes: ["team:read"],
  arguments: { team: text, domain: text },
  run(_values, { workspace }) {
    return { team: { id: workspace.id, name: workspace.name, domain: workspace.domain } };
  },
};

export const conversationMethods: Methods = {
  "conversations.replies": replies,
  "conversations.history": history,
  "conversations.info": info,
  "conversations.open": open,
  "users.info": userInfo,
  "bots.info": botInfo,
  "team.info": teamInfo,
};
