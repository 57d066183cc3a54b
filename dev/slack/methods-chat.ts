// chat.postMessage, chat.update, chat.delete, chat.postEphemeral, chat.getPermalink.
import type { Arguments } from "./arguments.ts";
import { checkBlocks } from "./blocks.ts";
import type { Caller, Context, Method, Methods } from "./context.ts";
import { describeMessage } from "./context.ts";
import { SlackError } from "./errors.ts";
import { emitMessage } from "./events.ts";
import type { Json } from "./json.ts";
import { type Channel, findMessage, type Message, remember } from "./store.ts";
import { maxMarkdown, refuseStream } from "./stream.ts";

/** Longer texts are cut here when they are posted. */
const maxText = 40_000;
/** `chat.update` rejects longer ones. */
const maxUpdatedText = 4000;
const maxBlocks = 50;
const maxMetadata = 16_000;

const text = { kind: "text" } as const;
const flag = { kind: "flag" } as const;
const json = { kind: "json" } as const;
const channel = { kind: "text", required: true } as const;

const content: Arguments = {
  text,
  markdown_text: text,
  blocks: json,
  attachments: json,
  metadata: json,
  parse: text,
  link_names: flag,
};
const look: Arguments = { username: text, icon_emoji: text, icon_url: text, unfurl_links: flag, unfurl_media: flag };

/** The channel that a call names, if the app may write to it. */
export function openChannel(id: unknown, { workspace }: Caller, context: Context): Channel {
  const byUser = workspace.users.has(String(id))
    ? context.store.directChannel(workspace, String(id))
    : workspace.channels.get(String(id));
  if (!byUser) throw new SlackError("channel_not_found");
  if (byUser.archived) throw new SlackError("is_archived");
  // An app with chat:write.public could write to public channels without being a member.
  if (!byUser.members.has(workspace.bot.userId))
    throw new SlackError(byUser.kind === "channel" ? "not_in_channel" : "channel_not_found");
  return byUser;
}

/** A message of this app's bot. */
export function ownMessage(channel: Channel, ts: unknown, caller: Caller, refusal: string): Message {
  const message = findMessage(channel, String(ts));
  if (!message) throw new SlackError("message_not_found");
  if (message.bot_id !== caller.workspace.bot.botId) throw new SlackError(refusal);
  return message;
}

export function checkMetadata(value: unknown): Json | undefined {
  if (value === undefined) return undefined;
  const metadata = value as Json;
  const isRight =
    typeof metadata.event_type === "string" &&
    typeof metadata.event_payload === "object" &&
    metadata.event_payload !== null;
  if (Object.keys(metadata).length > 0 && !isRight) throw new SlackError("invalid_metadata_format");
  if (JSON.stringify(metadata).length > maxMetadata) throw new SlackError("metadata_too_large");
  return metadata;
}

interface Content {
  text: string | undefined;
  isMarkdown: boolean;
  blocks: Json[] | undefined;
}

function readContent(values: Json): Content {
  const { text: plain, markdown_text: markdown, blocks } = values;
  if (markdown !== undefined && (plain !== undefined || blocks !== undefined))
    throw new SlackError("markdown_text_conflict");
  if (typeof markdown === "string" && markdown.length > maxMarkdown) throw new SlackError("msg_too_long");
  const checked = blocks === undefined ? undefined : checkBlocks(blocks, { surface: "message", max: maxBlocks });
  return {
    text: (markdown ?? plain) as string | undefined,
    isMarkdown: markdown !== undefined,
    blocks: checked,
  };
}

function checkThread(channel: Channel, ts: unknown, refusal: string): string | undefined {
  if (ts === undefined) return undefined;
  const root = findMessage(channel, String(ts));
  if (!root) throw new SlackError(refusal);
  return root.thread_ts ?? root.ts;
}

const postMessage: Method = {
  scopes: ["chat:write"],
  arguments: { channel, ...content, ...look, thread_ts: text, reply_broadcast: flag, mrkdwn: flag },
  run(values, caller, context) {
    const to = openChannel(values.channel, caller, context);
    const read = readContent(values);
    if (!read.text && !(read.blocks && read.blocks.length > 0) && values.attachments === undefined)
      throw new SlackError("no_text");
    const root = checkThread(to, values.thread_ts, "thread_not_found");
    const metadata = checkMetadata(values.metadata);
    const message = context.store.addMessage(to, {
      user: caller.workspace.bot.userId,
      bot_id: caller.workspace.bot.botId,
      app_id: caller.workspace.guestApp ?? context.app.id,
      text: (read.text ?? "").slice(0, maxText),
      ...(read.isMarkdown ? { isMarkdown: true as const } : {}),
      ...(read.blocks ? { blocks: nameBlocks(read.blocks) } : {}),
      ...(metadata ? { metadata } : {}),
      ...(root === undefined ? {} : { thread_ts: root }),
    });
    clearStatus(to, root);
    void emitMessage(context, caller.workspace, to, message);
    return { channel: to.id, ts: message.ts, message: describeMessage(message, to, caller.workspace) };
  },
};

/** Slack gives a block without an id one of its own. */
export function nameBlocks(blocks: Json[]): Json[] {
  return blocks.map((block) => ({ block_id: crypto.randomUUID().slice(0, 5), ...block }));
}

/** "is thinking…" disappears with the next message. */
export function clearStatus(channel: Channel, root: string | undefined): void {
  const thread = root === undefined ? undefined : channel.threads.get(root);
  if (thread) thread.status = "";
}

const update: Method = {
  scopes: ["chat:write"],
  arguments: { channel, ts: { kind: "text", required: true }, ...content, as_user: flag, reply_broadcast: flag },
  run(values, caller, context) {
    const to = openChannel(values.channel, caller, context);
    const message = ownMessage(to, values.ts, caller, "cant_update_message");
    const { stream } = message;
    if (stream && refuseStream(stream, context.clock.now()) === undefined)
      throw new SlackError("streaming_state_conflict");
    const read = readContent(values);
    if (read.text === undefined && read.blocks === undefined && values.attachments === undefined)
      throw new SlackError("no_text");
    if (!read.isMarkdown && (read.text?.length ?? 0) > maxUpdatedText) throw new SlackError("msg_too_long");
    const metadata = checkMetadata(values.metadata);
    remember(message);
    // The first edit replaces what the stream showed.
    delete message.stream;
    delete message.isMarkdown;
    if (read.isMarkdown) message.isMarkdown = true;
    if (read.blocks) message.blocks = nameBlocks(read.blocks);
    else if (read.text !== undefined) delete message.blocks;
    if (read.text !== undefined) message.text = read.text;
    if (!read.blocks) message.edited = { user: caller.workspace.bot.userId, ts: context.store.newTs() };
    if (metadata) message.metadata = metadata;
    void emitMessage(context, caller.workspace, to, message, "message_changed");
    const described = describeMessage(message, to, caller.workspace);
    return { channel: to.id, ts: message.ts, text: message.text, message: described };
  },
};

const remove: Method = {
  scopes: ["chat:write"],
  arguments: { channel, ts: { kind: "text", required: true }, as_user: flag },
  run(values, caller, context) {
    const to = openChannel(values.channel, caller, context);
    const message = ownMessage(to, values.ts, caller, "cant_delete_message");
    if (message.stream && refuseStream(message.stream, context.clock.now()) === undefined)
      throw new SlackError("cant_delete_message");
    to.messages.splice(to.messages.indexOf(message), 1);
    void emitMessage(context, caller.workspace, to, message, "message_deleted");
    return { channel: to.id, ts: message.ts };
  },
};

const postEphemeral: Method = {
  scopes: ["chat:write"],
  arguments: { channel, user: { kind: "text", required: true }, ...content, ...look, thread_ts: text },
  run(values, caller, context) {
    const to = openChannel(values.channel, caller, context);
    if (!to.members.has(String(values.user))) throw new SlackError("user_not_in_channel");
    const read = readContent(values);
    if (!read.text && !(read.blocks && read.blocks.length > 0)) throw new SlackError("no_text");
    const root = checkThread(to, values.thread_ts, "thread_not_found");
    // "Ephemeral messages in threads are only shown if there is already an active thread."
    const isShown = root === undefined || to.messages.some(({ thread_ts }) => thread_ts === root);
    if (!isShown) return { message_ts: context.store.newTs() };
    const { ts } = context.store.addEphemeral(to, {
      user: String(values.user),
      text: read.text ?? "",
      ...(read.blocks ? { blocks: nameBlocks(read.blocks) } : {}),
      ...(root === undefined ? {} : { thread_ts: root }),
    });
    return { message_ts: ts };
  },
};

const getPermalink: Method = {
  scopes: [],
  arguments: { channel, message_ts: { kind: "text", required: true } },
  run(values, { workspace }, context) {
    const to = workspace.channels.get(String(values.channel));
    if (!to) throw new SlackError("channel_not_found");
    const message = findMessage(to, String(values.message_ts));
    if (!message) throw new SlackError("message_not_found");
    return { channel: to.id, permalink: `${context.url()}/archives/${to.id}/p${message.ts.replace(".", "")}` };
  },
};

export const chatMethods: Methods = {
  "chat.postMessage": postMessage,
  "chat.update": update,
  "chat.delete": remove,
  "chat.postEphemeral": postEphemeral,
  "chat.getPermalink": getPermalink,
};
