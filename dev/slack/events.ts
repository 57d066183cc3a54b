// The events that a workspace sends the app, in the envelope of the Events API.
import { type Context, describeMessage } from "./context.ts";
import type { Delivery, Forgery } from "./deliver.ts";
import type { Json } from "./json.ts";
import type { Channel, Message, Workspace } from "./store.ts";

/** The type under which an app subscribes to an event. */
function subscriptionOf(event: Json, channel: Channel | undefined): string {
  if (event.type !== "message") return String(event.type);
  const kind = channel?.kind ?? "channel";
  return `message.${{ channel: "channels", group: "groups", im: "im" }[kind]}`;
}

export function wrapEvent(context: Context, workspace: Workspace, event: Json, eventId?: string): Json {
  const { store, app } = context;
  return {
    token: "deprecated-verification-token",
    team_id: workspace.id,
    context_team_id: workspace.id,
    context_enterprise_id: null,
    api_app_id: app.id,
    event,
    type: "event_callback",
    event_id: eventId ?? store.newId("Ev"),
    event_time: Math.floor(context.clock.now() / 1000),
    authorizations: [
      {
        enterprise_id: null,
        team_id: workspace.id,
        user_id: workspace.bot.userId,
        is_bot: true,
        is_enterprise_install: false,
      },
    ],
    is_ext_shared_channel: false,
    event_context: `4-${workspace.id}`,
  };
}

export interface SendOptions {
  eventId?: string;
  forgery?: Forgery;
}

/** Sends the event if the app is installed, subscribed and has an address. Returns one delivery or none. */
export function emitEvent(
  context: Context,
  workspace: Workspace,
  event: Json,
  channel?: Channel,
  options: SendOptions = {},
): Promise<Delivery>[] {
  const { app, deliveries } = context;
  const { events: address } = app.addresses;
  const installed = context.store.workspaces.get(workspace.id);
  // What another app's bot does reaches this app in the channels that both are in; what concerns its token does not.
  const isOfGuest = workspace.guestApp !== undefined && channel === undefined;
  if (address === undefined || installed?.token === undefined || isOfGuest) return [];
  if (!app.subscriptions.includes(subscriptionOf(event, channel))) return [];
  const stamped = { event_ts: event.ts ?? context.store.newTs(), ...event };
  return [deliveries.sendEvent(address, wrapEvent(context, installed, stamped, options.eventId), options.forgery)];
}

/**
 * Sends a message, its edit or its deletion to an app whose bot is in the channel. The app receives its bot's own
 * messages too.
 */
export function emitMessage(
  context: Context,
  workspace: Workspace,
  channel: Channel,
  message: Message,
  change?: "message_changed" | "message_deleted",
  options: SendOptions = {},
): Promise<Delivery>[] {
  const { userId } = (context.store.workspaces.get(workspace.id) ?? workspace).bot;
  if (!channel.members.has(userId)) return [];
  const place = { channel: channel.id, channel_type: { channel: "channel", group: "group", im: "im" }[channel.kind] };
  const described = describeMessage(message, channel, workspace);
  const sent: Promise<Delivery>[] = [];
  if (change === undefined) {
    // Slack sends both for a mention in a channel, each with an id of its own.
    if (channel.kind !== "im" && message.bot_id === undefined && message.text.includes(`<@${userId}>`))
      sent.push(
        ...emitEvent(context, workspace, { ...described, channel: channel.id, type: "app_mention" }, channel, options),
      );
    sent.push(...emitEvent(context, workspace, { ...described, ...place }, channel, sent.length > 0 ? {} : options));
  } else {
    const about = change === "message_changed" ? { message: described } : { deleted_ts: message.ts };
    const previous = { previous_message: { ...described, ...message.history.at(-1) } };
    const ts = context.store.newTs();
    const event = { type: "message", subtype: change, hidden: true, ts, ...place, ...about, ...previous };
    sent.push(...emitEvent(context, workspace, event, channel, options));
  }
  return sent;
}
