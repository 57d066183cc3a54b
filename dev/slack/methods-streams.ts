// chat.startStream, chat.appendStream, chat.stopStream. Their rules are in stream.ts.
import { checkBlocks } from "./blocks.ts";
import { type Caller, type Context, describeMessage, type Method, type Methods } from "./context.ts";
import { SlackError } from "./errors.ts";
import { emitMessage } from "./events.ts";
import type { Json } from "./json.ts";
import { checkMetadata, clearStatus, nameBlocks, openChannel, ownMessage } from "./methods-chat.ts";
import { type Channel, findMessage, type Message } from "./store.ts";
import { appendContent, openStream, readContent, refuseStream, type Stream, streamText } from "./stream.ts";

const text = { kind: "text" } as const;
const json = { kind: "json" } as const;
const required = { kind: "text", required: true } as const;
const maxBlocks = 50;

const startStream: Method = {
  scopes: ["chat:write"],
  arguments: {
    channel: required,
    thread_ts: required,
    markdown_text: text,
    chunks: json,
    recipient_user_id: text,
    recipient_team_id: text,
    task_display_mode: { kind: "text", values: ["timeline", "plan", "dense"] },
    username: text,
    icon_emoji: text,
    icon_url: text,
  },
  run(values, caller, context) {
    const to = openChannel(values.channel, caller, context);
    checkRecipient(values, to, caller);
    const root = findMessage(to, String(values.thread_ts));
    if (!root) throw new SlackError("thread_not_found");
    const content = readContent(values);
    const stream = openStream(context.clock.now(), String(values.task_display_mode ?? "timeline"));
    appendContent(stream, content);
    const message = context.store.addMessage(to, {
      user: caller.workspace.bot.userId,
      bot_id: caller.workspace.bot.botId,
      app_id: caller.workspace.guestApp ?? context.app.id,
      text: streamText(stream),
      isMarkdown: true,
      thread_ts: root.thread_ts ?? root.ts,
      stream,
    });
    clearStatus(to, message.thread_ts);
    void emitMessage(context, caller.workspace, to, message);
    return { channel: to.id, ts: message.ts };
  },
};

function checkRecipient(values: Json, channel: Channel, { workspace }: Caller): void {
  if (channel.kind !== "im") {
    if (values.recipient_user_id === undefined) throw new SlackError("missing_recipient_user_id");
    if (values.recipient_team_id === undefined) throw new SlackError("missing_recipient_team_id");
  }
  if (values.recipient_user_id !== undefined && !workspace.users.has(String(values.recipient_user_id)))
    throw new SlackError("user_not_found");
  if (values.recipient_team_id !== undefined && values.recipient_team_id !== workspace.id)
    throw new SlackError("team_not_found");
}

/** `name` replaces the reason, which only chat.appendStream reports. */
function openOwn(
  values: Json,
  caller: Caller,
  context: Context,
  name?: string,
): { to: Channel; message: Message; stream: Stream } {
  const to = openChannel(values.channel, caller, context);
  const message = ownMessage(to, values.ts, caller, "message_not_owned_by_app");
  const refusal = refuseStream(message.stream, context.clock.now());
  if (refusal !== undefined || !message.stream)
    throw new SlackError(name ?? refusal ?? "message_not_in_streaming_state");
  return { to, message, stream: message.stream };
}

const appendStream: Method = {
  scopes: ["chat:write"],
  arguments: { channel: required, ts: required, markdown_text: text, chunks: json },
  run(values, caller, context) {
    const { to, message, stream } = openOwn(values, caller, context);
    const content = readContent(values);
    if (content.chunks.length === 0) throw new SlackError("no_text");
    appendContent(stream, content);
    message.text = streamText(stream);
    return { channel: to.id, ts: message.ts };
  },
};

const stopStream: Method = {
  scopes: ["chat:write"],
  arguments: {
    channel: required,
    ts: required,
    markdown_text: text,
    chunks: json,
    blocks: json,
    metadata: json,
    session_status: { kind: "text", values: ["active", "processing", "suspended", "closed"] },
  },
  run(values, caller, context) {
    const { to, message, stream } = openOwn(values, caller, context, "message_not_in_streaming_state");
    const content = readContent(values);
    const metadata = checkMetadata(values.metadata);
    const blocks =
      values.blocks === undefined ? [] : checkBlocks(values.blocks, { surface: "message", max: maxBlocks });
    appendContent(stream, content);
    stream.state = "stopped";
    message.text = streamText(stream);
    if (blocks.length > 0) message.blocks = nameBlocks(blocks);
    if (metadata) message.metadata = metadata;
    const session = to.threads.get(message.thread_ts ?? "");
    if (session?.session !== undefined) session.session = String(values.session_status ?? "active");
    void emitMessage(context, caller.workspace, to, message, "message_changed");
    return { channel: to.id, ts: message.ts, message: describeMessage(message, to, caller.workspace) };
  },
};

export const streamMethods: Methods = {
  "chat.startStream": startStream,
  "chat.appendStream": appendStream,
  "chat.stopStream": stopStream,
};
