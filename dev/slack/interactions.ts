/**
 * Clicks, submissions and commands: forms that are sent once. Their response is shown at once; the app may respond
 * later through a `response_url`.
 */
import { type Context, describeMessage } from "./context.ts";
import type { Delivery } from "./deliver.ts";
import { SlackError } from "./errors.ts";
import type { SendOptions } from "./events.ts";
import type { Json } from "./json.ts";
import { describeView, replaceView, showView } from "./methods-views.ts";
import { requireMessage } from "./people.ts";
import { type Channel, type Message, type OpenView, remember, type Workspace } from "./store.ts";

/** Interactive elements, each with the block that contains it. */
function findElements(blocks: Json[]): { block: Json; element: Json }[] {
  return blocks.flatMap((block) => {
    const elements = [...((block.elements as Json[] | undefined) ?? []), block.accessory, block.element] as Json[];
    return elements.filter((element) => element?.action_id !== undefined).map((element) => ({ block, element }));
  });
}

/** All blocks of a message, including those of its stream. */
export function blocksOf(message: Pick<Message, "blocks" | "stream">): Json[] {
  const streamed = (message.stream?.parts ?? []).flatMap((part) => (part.type === "blocks" ? part.blocks : []));
  return [...streamed, ...(message.blocks ?? [])];
}

export interface Clicking {
  workspace: Workspace;
  channel: Channel;
  user: string;
  ts: string;
  action_id: string;
  /** Needed where several blocks contain the same action id. */
  block_id?: string;
  /** The value of a select's option. */
  value?: string;
}

export async function click(context: Context, clicking: Clicking, sendOptions: SendOptions = {}): Promise<Delivery> {
  const { workspace, channel, user, ts } = clicking;
  const ephemeral = channel.ephemerals.find((one) => one.ts === ts && one.user === user);
  const message = ephemeral ? undefined : requireMessage(channel, ts);
  const found = findElements(ephemeral ? (ephemeral.blocks ?? []) : blocksOf(message as Message)).find(
    ({ block, element }) =>
      element.action_id === clicking.action_id &&
      (clicking.block_id === undefined || block.block_id === clicking.block_id),
  );
  if (!found) throw new SlackError("action_not_found");
  const response = context.store.addResponse({
    workspace,
    channel,
    user,
    ...(message ? { message } : {}),
    ...(ephemeral ? { ephemeral } : {}),
  });
  const thread = ephemeral?.thread_ts ?? message?.thread_ts;
  const payload = {
    type: "block_actions",
    ...describePerson(context, workspace, user),
    container: {
      type: "message",
      message_ts: ts,
      channel_id: channel.id,
      is_ephemeral: ephemeral !== undefined,
      ...(thread === undefined ? {} : { thread_ts: thread }),
    },
    trigger_id: context.store.addTrigger(workspace, user),
    channel: { id: channel.id, name: channel.kind === "im" ? "directmessage" : channel.name },
    ...(message ? { message: describeMessage(message, channel, workspace) } : {}),
    state: { values: {} },
    response_url: `${context.url()}/actions/${workspace.id}/${response}`,
    actions: [describeAction(found.block, found.element, clicking.value, context)],
  };
  return sendInteraction(context, payload, sendOptions);
}

function describeAction(block: Json, element: Json, value: string | undefined, context: Context): Json {
  const { action_id, type, text } = element;
  const action = { action_id, block_id: block.block_id, type, action_ts: context.store.newTs() };
  if (type === "button") return { ...action, text, ...(element.value === undefined ? {} : { value: element.value }) };
  const options = (element.options as Json[] | undefined) ?? [];
  const chosen = options.find((option) => option.value === value);
  if (!chosen) throw new SlackError("option_not_found");
  return { ...action, selected_option: chosen };
}

function describePerson(context: Context, workspace: Workspace, user: string): Json {
  const name = workspace.users.get(user)?.name;
  return {
    user: { id: user, username: name, name, team_id: workspace.id },
    team: { id: workspace.id, domain: workspace.domain },
    enterprise: null,
    is_enterprise_install: false,
    api_app_id: context.app.id,
    token: "deprecated-verification-token",
  };
}

function sendInteraction(context: Context, payload: Json, sendOptions: SendOptions = {}): Promise<Delivery> {
  const { interactivity: address } = context.app.addresses;
  if (address === undefined) throw new SlackError("no_interactivity_address");
  return context.deliveries.sendForm("interaction", address, { payload: JSON.stringify(payload) }, sendOptions.forgery);
}

/** `values`: block id, `block id/action id` or action id → the input, or the option's value. */
export async function submit(
  context: Context,
  workspace: Workspace,
  open: OpenView,
  values: Record<string, string | string[]>,
  sendOptions: SendOptions = {},
): Promise<Delivery> {
  const payload = {
    type: "view_submission",
    ...describePerson(context, workspace, open.user),
    trigger_id: context.store.addTrigger(workspace, open.user),
    view: describeView(open, workspace, context, readState(open, values)),
    response_urls: [],
  };
  const delivery = await sendInteraction(context, payload, sendOptions);
  const answer = delivery.attempts.at(-1);
  if (delivery.isAccepted) applyAnswer(context, workspace, open, answer?.body ?? "");
  return delivery;
}

function readState(open: OpenView, values: Record<string, string | string[]>): Json {
  const state: Record<string, Json> = {};
  for (const block of (open.view.blocks as Json[]).filter(({ type }) => type === "input")) {
    const element = block.element as Json;
    const [blockId, actionId] = [String(block.block_id), String(element.action_id)];
    const value = values[`${blockId}/${actionId}`] ?? values[blockId] ?? values[actionId];
    if (value === undefined && block.optional !== true && element.initial_value === undefined)
      throw new SlackError("missing_input", [blockId]);
    state[blockId] = { [actionId]: readInput(element, value) };
  }
  return state;
}

function readInput(element: Json, value: string | string[] | undefined): Json {
  const options = (element.options as Json[] | undefined) ?? [];
  const choose = (wanted: string): Json => {
    const option = options.find((one) => one.value === wanted);
    if (!option) throw new SlackError("option_not_found", [wanted]);
    return option;
  };
  const type = String(element.type);
  if (type === "checkboxes" || type.startsWith("multi_"))
    return { type, selected_options: [value ?? []].flat().map(choose) };
  if (options.length > 0) return { type, selected_option: typeof value === "string" ? choose(value) : null };
  return { type, value: value ?? element.initial_value ?? null };
}

/** An empty response closes the view; the others are the values of `response_action`. */
function applyAnswer(context: Context, workspace: Workspace, open: OpenView, body: string): void {
  const answer = parseAnswer(body);
  const view = answer.view as Json;
  switch (answer.response_action) {
    case "errors":
      open.errors = checkErrors(open, answer.errors);
      return;
    case "update":
      replaceView(context, open, view);
      return;
    case "push":
      showView(context, workspace, open.user, view, open);
      return;
    case "clear":
      workspace.views = workspace.views.filter(({ user }) => user !== open.user);
      return;
    case undefined:
      workspace.views = workspace.views.filter((one) => one !== open);
      return;
    default:
      throw new SlackError("invalid_response_action");
  }
}

/** A person would read that the app can't be reached; a test reads why. */
function parseAnswer(body: string): Json {
  if (body.trim() === "") return {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null) return parsed as Json;
  } catch {
    // Reported below.
  }
  throw new SlackError("invalid_response", ["the answer to a submission is empty or JSON"]);
}

function checkErrors(open: OpenView, errors: unknown): Record<string, string> {
  const inputs = (open.view.blocks as Json[]).filter(({ type }) => type === "input").map(({ block_id }) => block_id);
  const entries = Object.entries((errors ?? {}) as Record<string, unknown>);
  const isRight = ([block, text]: [string, unknown]): boolean => inputs.includes(block) && typeof text === "string";
  if (entries.length === 0 || !entries.every(isRight))
    throw new SlackError("invalid_response", ["errors name the block of an input each"]);
  return Object.fromEntries(entries) as Record<string, string>;
}

export async function closeView(context: Context, workspace: Workspace, open: OpenView): Promise<Delivery | undefined> {
  workspace.views = workspace.views.filter((one) => one !== open);
  if (open.view.notify_on_close !== true) return undefined;
  const view = describeView(open, workspace, context);
  const payload = { type: "view_closed", ...describePerson(context, workspace, open.user), view, is_cleared: false };
  return sendInteraction(context, payload);
}

export async function command(
  context: Context,
  place: { workspace: Workspace; channel: Channel; user: string },
  words: { command: string; text: string },
  sendOptions: SendOptions = {},
): Promise<Delivery> {
  const { workspace, channel, user } = place;
  const { commands: address } = context.app.addresses;
  if (address === undefined) throw new SlackError("no_command_address");
  const response = context.store.addResponse({ workspace, channel, user });
  const fields = {
    token: "deprecated-verification-token",
    team_id: workspace.id,
    team_domain: workspace.domain,
    channel_id: channel.id,
    channel_name: channel.kind === "im" ? "directmessage" : channel.name,
    user_id: user,
    user_name: workspace.users.get(user)?.name ?? "",
    ...words,
    api_app_id: context.app.id,
    is_enterprise_install: "false",
    response_url: `${context.url()}/commands/${workspace.id}/${response}`,
    trigger_id: context.store.addTrigger(workspace, user),
  };
  const delivery = await context.deliveries.sendForm("command", address, fields, sendOptions.forgery);
  const body = delivery.attempts.at(-1)?.body ?? "";
  if (delivery.isAccepted && body.trim() !== "") showResponse(context, response, readAnswer(body));
  return delivery;
}

function readAnswer(body: string): Json {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? (parsed as Json) : { text: body };
  } catch {
    return { text: body };
  }
}

const responseLifeMs = 30 * 60_000;
const maxResponses = 5;

/** A `response_url` accepts five messages within thirty minutes. */
export function showResponse(context: Context, id: string, answer: Json): void {
  const address = context.store.responses.get(id);
  if (!address || context.clock.now() > address.at + responseLifeMs) throw new SlackError("expired_url");
  if (address.used >= maxResponses) throw new SlackError("used_url");
  address.used += 1;
  const { workspace, channel, message, ephemeral } = address;
  const shown = {
    text: String(answer.text ?? ""),
    ...(Array.isArray(answer.blocks) ? { blocks: answer.blocks as Json[] } : {}),
  };
  if (answer.delete_original === true) {
    if (ephemeral) channel.ephemerals.splice(channel.ephemerals.indexOf(ephemeral), 1);
    if (message) channel.messages.splice(channel.messages.indexOf(message), 1);
  } else if (answer.replace_original === true && (message ?? ephemeral)) {
    const target = (message ?? ephemeral) as Message;
    if (message) remember(message);
    if (message) delete message.stream;
    delete target.blocks;
    Object.assign(target, shown);
  } else if (answer.response_type === "in_channel") {
    const { bot } = workspace;
    const thread = typeof answer.thread_ts === "string" ? { thread_ts: answer.thread_ts } : {};
    context.store.addMessage(channel, {
      user: bot.userId,
      bot_id: bot.botId,
      app_id: context.app.id,
      ...shown,
      ...thread,
    });
  } else context.store.addEphemeral(channel, { user: address.user, ...shown });
}
