// The fake as tests use it: workspaces to act in, and the results.
import type { App, Context, LoggedCall } from "./context.ts";
import type { Delivery, Forgery } from "./deliver.ts";
import { SlackError } from "./errors.ts";
import { type SendOptions, wrapEvent } from "./events.ts";
import type { Fault } from "./faults.ts";
import { click, closeView, command, submit } from "./interactions.ts";
import type { Json } from "./json.ts";
import { readStatus } from "./methods-assistants.ts";
import { decideConsent, install, readConsent, uninstall } from "./oauth.ts";
import { edit, openAssistant, pressStop, requireMessage, type Said, say } from "./people.ts";
import type { RateLimits } from "./rate-limits.ts";
import { renderChannel, renderMessage } from "./render.ts";
import {
  type AssistantThread,
  type Channel,
  type Ephemeral,
  type Message,
  type OpenView,
  readThread,
  type Store,
  type Workspace,
} from "./store.ts";

/** A workspace with one person and one channel that the bot is in. */
export interface WorkspaceHandle {
  id: string;
  /** The bot's token, if the app is installed. */
  token(): string;
  bot: { userId: string; botId: string };
  user: string;
  channel: string;
  addUser(name: string): string;
  /** Returns the channel's id. The bot is a member unless `bot` is false. */
  addChannel(name: string, options?: { kind?: "channel" | "group"; bot?: boolean }): string;
  /** The direct conversation of a person with the app. */
  direct(user?: string): string;
  install(scopes?: string[]): string;
  /** Installs another app beside this one, and returns its bot's token. */
  installGuest(app: string, scopes?: string[]): string;
  uninstall(): void;
}

export interface SlackHandle {
  /** For anything that the other methods don't cover. */
  context: Context;
  store: Store;
  limits: RateLimits;
  faults: Fault[];
  calls: LoggedCall[];
  callsTo(method: string): LoggedCall[];
  deliveries: Delivery[];
  /** Resolves when no delivery is pending. An event that waits for its retry is pending. */
  settled(): Promise<void>;
  /** Sets the app's addresses: one base address for `/events`, `/interactivity` and `/commands`, or each separately. */
  connect(addresses: string | App["addresses"]): void;
  addWorkspace(name?: string, options?: { installed?: boolean }): WorkspaceHandle;
  say(saying: { channel: string; user: string; text: string; thread_ts?: string }, options?: SendOptions): Said;
  /** `say`, with the bot's name before the text. */
  mention(saying: { channel: string; user: string; text: string; thread_ts?: string }, options?: SendOptions): Said;
  edit(channel: string, ts: string, text: string): Said;
  openAssistant(user: string, from?: string): Said;
  pressStop(place: { channel: string; user: string; thread_ts: string }): Promise<Delivery>[];
  click(
    click: { channel: string; user: string; ts: string; action_id: string; block_id?: string; value?: string },
    options?: SendOptions,
  ): Promise<Delivery>;
  /** The topmost view that a person sees. */
  view(user: string): OpenView | undefined;
  submit(user: string, values: Record<string, string | string[]>, options?: SendOptions): Promise<Delivery>;
  closeView(user: string): Promise<Delivery | undefined>;
  command(
    words: { channel: string; user: string; command: string; text: string },
    options?: SendOptions,
  ): Promise<Delivery>;
  /** Sends any event in its envelope. The same `eventId` twice looks like a retry. */
  sendEvent(team: string, event: Json, options?: SendOptions): Promise<Delivery>;
  /** Sends any body. */
  sendRaw(address: string, body: Json, forgery?: Forgery): Promise<Delivery>;
  /**
   * Sends the challenge that Slack sends when someone enters the address for events. Returns whether the response was
   * right.
   */
  verifyAddress(): Promise<boolean>;
  /** Goes through the consent page as a browser does. Returns the address to which it redirects at the end. */
  authorize(address: string, decision: { team: string; user?: string; isAllowed?: boolean }): string;
  messages(channel: string): Message[];
  thread(channel: string, ts: string): Message[];
  message(channel: string, ts: string): Message;
  /** What people read in a message. */
  shown(channel: string, ts: string): string;
  /** What people read in a channel. */
  shownChannel(channel: string): string;
  ephemerals(channel: string): Ephemeral[];
  assistant(channel: string, thread_ts: string): AssistantThread | undefined;
}

export function createHandle(context: Context): SlackHandle {
  const { store } = context;
  const place = (id: string): { workspace: Workspace; channel: Channel } => {
    const found = store.findChannel(id);
    if (!found) throw new SlackError("channel_not_found");
    return found;
  };
  const ofUser = (user: string): Workspace => {
    const found = [...store.workspaces.values()].find((workspace) => workspace.users.has(user));
    if (!found) throw new SlackError("user_not_found");
    return found;
  };
  const view = (user: string): OpenView | undefined => ofUser(user).views.findLast((open) => open.user === user);
  const requireView = (user: string): OpenView => {
    const open = view(user);
    if (!open) throw new SlackError("view_not_found");
    return open;
  };
  return {
    context,
    store,
    limits: context.limits,
    faults: context.faults,
    calls: context.calls,
    callsTo: (method) => context.calls.filter((call) => call.method === method),
    deliveries: context.deliveries.log,
    settled: () => context.deliveries.settled(),
    connect: (addresses) => {
      context.app.addresses = typeof addresses === "string" ? below(addresses) : { ...addresses };
    },
    addWorkspace: (name = "Acme", options = {}) => addWorkspace(context, name, options.installed !== false),
    say: ({ channel, ...words }, options) => say(context, { ...place(channel), ...words }, options),
    mention: ({ channel, text, ...words }, options) => {
      const at = place(channel);
      return say(context, { ...at, ...words, text: `<@${at.workspace.bot.userId}> ${text}` }, options);
    },
    edit: (channel, ts, text) => edit(context, place(channel), ts, text),
    openAssistant: (user, from) =>
      openAssistant(context, ofUser(user), user, from === undefined ? undefined : place(from).channel),
    pressStop: ({ channel, ...rest }) => pressStop(context, { ...place(channel), ...rest }),
    click: ({ channel, ...rest }, options) => click(context, { ...place(channel), ...rest }, options),
    view,
    submit: (user, values, options) => submit(context, ofUser(user), requireView(user), values, options),
    closeView: (user) => closeView(context, ofUser(user), requireView(user)),
    command: ({ channel, user, ...words }, options) => command(context, { ...place(channel), user }, words, options),
    sendEvent: (team, event, options = {}) => {
      const workspace = requireWorkspace(store, team);
      const body = wrapEvent(context, workspace, { event_ts: store.newTs(), ...event }, options.eventId);
      return context.deliveries.sendEvent(requireEvents(context), body, options.forgery);
    },
    sendRaw: (address, body, forgery) => context.deliveries.sendEvent(address, body, forgery),
    verifyAddress: () => verifyAddress(context),
    authorize: (address, { team, user, isAllowed }) => {
      const workspace = requireWorkspace(store, team);
      const person = user ?? [...workspace.users.values()].find(({ isBot }) => !isBot)?.id ?? "";
      const consent = readConsent(new URL(address).searchParams, context);
      return decideConsent(consent, { workspace, user: person, isAllowed: isAllowed !== false }, context);
    },
    messages: (channel) => place(channel).channel.messages,
    thread: (channel, ts) => readThread(place(channel).channel, ts),
    message: (channel, ts) => requireMessage(place(channel).channel, ts),
    shown: (channel, ts) => renderMessage(requireMessage(place(channel).channel, ts)),
    shownChannel: (id) => {
      const { channel, workspace } = place(id);
      return renderChannel(channel, (user) => workspace.users.get(user)?.name ?? user);
    },
    ephemerals: (channel) => place(channel).channel.ephemerals,
    assistant: (id, ts) => {
      const thread = place(id).channel.threads.get(ts);
      return thread && { ...thread, status: readStatus(thread, context.clock.now()) };
    },
  };
}

function below(base: string): App["addresses"] {
  const trimmed = base.replace(/\/+$/, "");
  return {
    events: `${trimmed}/events`,
    interactivity: `${trimmed}/interactivity`,
    commands: `${trimmed}/commands`,
  };
}

export function requireWorkspace(store: Store, id: string): Workspace {
  const workspace = store.workspaces.get(id);
  if (!workspace) throw new SlackError("team_not_found");
  return workspace;
}

function requireEvents({ app }: Context): string {
  if (app.addresses.events === undefined) throw new SlackError("no_events_address");
  return app.addresses.events;
}

async function verifyAddress(context: Context): Promise<boolean> {
  const challenge = crypto.randomUUID();
  const body = { token: "deprecated-verification-token", challenge, type: "url_verification" };
  const delivery = await context.deliveries.sendEvent(requireEvents(context), body);
  const answer = delivery.attempts.at(-1)?.body ?? "";
  // Slack accepts the challenge alone, as a form, or in JSON.
  return delivery.isAccepted === true && (answer.trim() === challenge || answer.includes(`"${challenge}"`));
}

function addWorkspace(context: Context, name: string, isInstalled: boolean): WorkspaceHandle {
  const { store, app } = context;
  const workspace = store.addWorkspace(name);
  const user = store.addUser(workspace, "alice").id;
  const members = (): string[] => [...workspace.users.keys()];
  const channel = store.addChannel(workspace, "general", "channel", members()).id;
  const handle: WorkspaceHandle = {
    id: workspace.id,
    token: () => {
      if (workspace.token === undefined) throw new SlackError("not_installed");
      return workspace.token;
    },
    bot: workspace.bot,
    user,
    channel,
    addUser: (person) => store.addUser(workspace, person).id,
    addChannel: (title, { kind = "channel", bot = true } = {}) => {
      const inside = members().filter((id) => bot || id !== workspace.bot.userId);
      return store.addChannel(workspace, title, kind, inside).id;
    },
    direct: (person = user) => store.directChannel(workspace, person).id,
    install: (scopes = app.scopes) => install(workspace, scopes),
    installGuest: (guest, scopes = app.scopes) => store.addGuest(workspace, guest, scopes).token ?? "",
    uninstall: () => uninstall(workspace, context),
  };
  if (isInstalled) handle.install();
  return handle;
}
