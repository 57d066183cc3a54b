// What people write and press in the fake's workspaces. Each action sends the app the events that Slack would send.
import type { Context } from "./context.ts";
import type { Delivery } from "./deliver.ts";
import { SlackError } from "./errors.ts";
import { emitEvent, emitMessage, type SendOptions } from "./events.ts";
import { type Channel, findMessage, type Message, remember, type Workspace } from "./store.ts";

export interface Said {
  message: Message;
  deliveries: Promise<Delivery>[];
}

export interface Saying {
  workspace: Workspace;
  channel: Channel;
  user: string;
  text: string;
  thread_ts?: string;
}

export function say(context: Context, saying: Saying, options: SendOptions = {}): Said {
  const { workspace, channel, user, text, thread_ts: named } = saying;
  const root = named === undefined ? undefined : findMessage(channel, named);
  if (named !== undefined && !root) throw new SlackError("thread_not_found");
  const thread = root && (root.thread_ts ?? root.ts);
  const message = context.store.addMessage(channel, { user, text, ...(thread ? { thread_ts: thread } : {}) });
  return { message, deliveries: emitMessage(context, workspace, channel, message, undefined, options) };
}

export function edit(
  context: Context,
  place: { workspace: Workspace; channel: Channel },
  ts: string,
  text: string,
): Said {
  const message = requireMessage(place.channel, ts);
  remember(message);
  message.text = text;
  message.edited = { user: message.user, ts: context.store.newTs() };
  return {
    message,
    deliveries: emitMessage(context, place.workspace, place.channel, message, "message_changed"),
  };
}

export function requireMessage(channel: Channel, ts: string): Message {
  const message = findMessage(channel, ts);
  if (!message) throw new SlackError("message_not_found");
  return message;
}

/** Opening the app's pane begins a thread in the conversation with it. */
export function openAssistant(context: Context, workspace: Workspace, user: string, from?: Channel): Said {
  const channel = context.store.directChannel(workspace, user);
  const message = context.store.addMessage(channel, {
    user: workspace.bot.userId,
    bot_id: workspace.bot.botId,
    app_id: context.app.id,
    subtype: "assistant_app_thread",
    text: "New Assistant Thread",
  });
  const about = from ? { channel_id: from.id, team_id: workspace.id, enterprise_id: null } : {};
  const thread = { user_id: user, context: about, channel_id: channel.id, thread_ts: message.ts };
  const sent = emitEvent(context, workspace, { type: "assistant_thread_started", assistant_thread: thread });
  return { message, deliveries: sent };
}

/** The Stop button that Slack shows in a session: ends its streams and sends the app an event. */
export function pressStop(
  context: Context,
  place: { workspace: Workspace; channel: Channel; user: string; thread_ts: string },
): Promise<Delivery>[] {
  const streams = place.channel.messages.filter(
    ({ thread_ts, stream }) => thread_ts === place.thread_ts && stream?.state === "streaming",
  );
  for (const { stream } of streams) if (stream) stream.state = "stopped_by_user";
  return emitEvent(context, place.workspace, {
    type: "agent_session_stopped",
    channel: place.channel.id,
    user: place.user,
    thread_ts: place.thread_ts,
    streaming_message_ts: streams.map(({ ts }) => ts),
  });
}
