/**
 * What Slack doesn't have: the consent page as HTML, and `/_control` for a person in a terminal and for the page at
 * `/`. Actions are POST requests with the JSON arguments of `slack.say` and the others:
 *
 *     curl http://127.0.0.1:3987/_control/mention -d '{"channel": "C…", "user": "U…", "text": "build me a shop"}'
 *     curl http://127.0.0.1:3987/_control/channels/C…/messages
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "./context.ts";
import { SlackError } from "./errors.ts";
import { type Fault, faultAnswers } from "./faults.ts";
import { createHandle, requireWorkspace, type SlackHandle } from "./handle.ts";
import { blocksOf } from "./interactions.ts";
import type { Json } from "./json.ts";
import { readStatus } from "./methods-assistants.ts";
import { decideConsent, readConsent, uninstall } from "./oauth.ts";
import { page } from "./page.ts";
import { renderMessage } from "./render.ts";
import type { Channel, Message, Workspace } from "./store.ts";

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}

function sendHtml(response: ServerResponse, body: string): void {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8", "x-frame-options": "DENY" }).end(body);
}

export function servePage(response: ServerResponse): void {
  sendHtml(response, page);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

/** `/oauth/v2/authorize`: asks the person, then redirects the browser back. */
export function serveConsent(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  body: string,
  context: Context,
): void {
  if (url.pathname !== "/oauth/v2/authorize") throw new SlackError("not_found");
  const consent = readConsent(url.searchParams, context);
  if (request.method === "POST") {
    refuseStrangers(request, context);
    const form = new URLSearchParams(body);
    const workspace = requireWorkspace(context.store, form.get("team") ?? "");
    const user = [...workspace.users.values()].find(({ isBot }) => !isBot)?.id ?? "";
    const target = decideConsent(consent, { workspace, user, isAllowed: form.get("answer") === "allow" }, context);
    response.writeHead(302, { location: target }).end();
    return;
  }
  const options = [...context.store.workspaces.values()].map(
    ({ id, name }) => `<option value="${id}">${escapeHtml(name)}</option>`,
  );
  sendHtml(
    response,
    `<!doctype html><meta charset="utf-8"><title>Install</title><body style="font:16px system-ui;max-width:32rem;margin:4rem auto">
<h1>Install Taskloom</h1><p>It asks for: ${escapeHtml(consent.scopes.join(", "))}</p><form method="post">
<select name="team">${options.join("")}</select> <button name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Cancel</button></form>`,
  );
}

/** A page of another site may post a form here, but not with our origin. */
function refuseStrangers(request: IncomingMessage, context: Context): void {
  const { origin } = request.headers;
  const own = [context.url(), context.url().replace("127.0.0.1", "localhost")];
  if (origin !== undefined && !own.includes(origin)) throw new SlackError("wrong_origin");
}

export async function serveControl(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  body: string,
  context: Context,
): Promise<void> {
  refuseStrangers(request, context);
  const [, , name = "", id, what] = url.pathname.split("/");
  if (request.method === "GET") {
    if (name === "state") return sendJson(response, 200, describeState(context));
    if (name === "calls") return sendJson(response, 200, context.calls.slice(-500));
    if (name === "deliveries") return sendJson(response, 200, context.deliveries.log.slice(-200));
    if (name === "faults") return sendJson(response, 200, context.faults);
    if (name === "channels" && what === "messages") {
      const text = createHandle(context).shownChannel(id ?? "");
      return void response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
    }
    return sendJson(response, 404, { ok: false, error: "not_found" });
  }
  if (name === "faults" && request.method === "DELETE") {
    context.faults.length = 0;
    return sendJson(response, 200, []);
  }
  const act = request.method === "POST" && Object.hasOwn(acts, name) ? acts[name] : undefined;
  if (!act) return sendJson(response, 404, { ok: false, error: "not_found" });
  const result = await act(createHandle(context), readBody(body), context);
  sendJson(response, 200, { ok: true, ...result });
}

function readBody(body: string): Json {
  try {
    const parsed: unknown = JSON.parse(body === "" ? "{}" : body);
    if (typeof parsed === "object" && parsed !== null) return parsed as Json;
  } catch {
    // Reported below.
  }
  throw new SlackError("invalid_json");
}

type Act = (slack: SlackHandle, body: Json, context: Context) => Json | Promise<Json>;

const word = (body: Json, name: string): string => {
  const value = body[name];
  if (typeof value !== "string" || value === "") throw new SlackError("missing_field", [name]);
  return value;
};
const maybe = (body: Json, name: string): Json =>
  typeof body[name] === "string" && body[name] !== "" ? { [name]: body[name] } : {};

const saying = (body: Json): { channel: string; user: string; text: string; thread_ts?: string } => ({
  channel: word(body, "channel"),
  user: word(body, "user"),
  text: word(body, "text"),
  ...maybe(body, "thread_ts"),
});

const maxFaults = 100;
const maxWorkspaces = 100;

const acts: Record<string, Act> = {
  say: (slack, body) => ({ ts: slack.say(saying(body)).message.ts }),
  reply: (slack, body) => ({ ts: slack.say({ ...saying(body), thread_ts: word(body, "thread_ts") }).message.ts }),
  mention: (slack, body) => ({ ts: slack.mention(saying(body)).message.ts }),
  dm: (slack, body, { store }) => {
    const user = word(body, "user");
    const workspace = [...store.workspaces.values()].find(({ users }) => users.has(user));
    if (!workspace) throw new SlackError("user_not_found");
    const channel = store.directChannel(workspace, user).id;
    return { channel, ts: slack.say({ ...saying({ ...body, channel }) }).message.ts };
  },
  assistant: (slack, body) => {
    const { message } = slack.openAssistant(word(body, "user"));
    return { thread_ts: message.ts };
  },
  stop: (slack, body) => {
    void slack.pressStop({
      channel: word(body, "channel"),
      user: word(body, "user"),
      thread_ts: word(body, "thread_ts"),
    });
    return {};
  },
  click: async (slack, body) => {
    const delivery = await slack.click({
      channel: word(body, "channel"),
      user: word(body, "user"),
      ts: word(body, "ts"),
      action_id: word(body, "action_id"),
      ...maybe(body, "block_id"),
      ...maybe(body, "value"),
    });
    return { accepted: delivery.isAccepted, status: delivery.attempts[0]?.status };
  },
  submit: async (slack, body) => {
    const values = (body.values ?? {}) as Record<string, string | string[]>;
    const delivery = await slack.submit(word(body, "user"), values);
    return { accepted: delivery.isAccepted, errors: slack.view(word(body, "user"))?.errors ?? {} };
  },
  "close-view": async (slack, body) => {
    await slack.closeView(word(body, "user"));
    return {};
  },
  command: async (slack, body) => {
    const delivery = await slack.command({
      channel: word(body, "channel"),
      user: word(body, "user"),
      command: word(body, "command"),
      text: String(body.text ?? ""),
    });
    return { accepted: delivery.isAccepted, body: delivery.attempts[0]?.body };
  },
  workspace: (slack, body, { store }) => {
    if (store.workspaces.size >= maxWorkspaces) throw new SlackError("too_many_workspaces");
    const added = slack.addWorkspace(word(body, "name"), { installed: body.installed !== false });
    const { id, user, channel, bot } = added;
    return { team: id, user, channel, bot, ...(body.installed === false ? {} : { token: added.token() }) };
  },
  limits: (slack, body) => {
    if (body.lift === true) slack.limits.lift();
    else slack.limits.limit(word(body, "method"), Number(body.per_minute) || 0);
    return {};
  },
  verify: async (slack) => ({ verified: await slack.verifyAddress() }),
  uninstall: (_slack, body, context) => {
    uninstall(requireWorkspace(context.store, word(body, "team")), context);
    return {};
  },
  faults: (slack, body) => {
    const answer = faultAnswers.find((known) => known === body.answer);
    if (!answer) throw new SlackError("invalid_arguments", [`answer is one of ${faultAnswers.join(", ")}`]);
    if (slack.faults.length >= maxFaults) throw new SlackError("too_many_faults");
    slack.faults.push({ ...(body as unknown as Fault), method: word(body, "method"), answer });
    return { faults: slack.faults };
  },
};

/** All that the page shows. */
function describeState({ store, app, clock }: Context): Json {
  const now = clock.now();
  return {
    app: { addresses: app.addresses },
    workspaces: [...store.workspaces.values()].map((workspace) => ({
      id: workspace.id,
      name: workspace.name,
      installed: workspace.token !== undefined,
      bot: workspace.bot.userId,
      users: [...workspace.users.values()],
      channels: [...workspace.channels.values()].map((channel) => describeChannel(channel, workspace, now)),
      views: workspace.views.map(({ id, user, view, errors }) => ({ id, user, view, errors })),
    })),
  };
}

/** The latest; older ones are in `GET /_control/channels/C…/messages`. */
const shownMessages = 200;

function describeChannel(channel: Channel, workspace: Workspace, now: number): Json {
  const nameOf = (user: string): string => workspace.users.get(user)?.name ?? user;
  const describe = (message: Message): Json => ({
    ts: message.ts,
    thread_ts: message.thread_ts ?? message.ts,
    user: message.user,
    name: nameOf(message.user),
    shown: renderMessage(message, false).replace(/<@(U\w+)>/g, (_match, user: string) => `@${nameOf(user)}`),
    blocks: blocksOf(message),
    writing: message.stream?.state === "streaming",
  });
  const threads = [...channel.threads].map(([ts, thread]) => ({ ts, ...thread, status: readStatus(thread, now) }));
  return {
    id: channel.id,
    name: channel.name,
    kind: channel.kind,
    members: [...channel.members],
    messages: channel.messages.slice(-shownMessages).map(describe),
    ephemerals: channel.ephemerals.slice(-20).map((one) => ({ ...one, name: nameOf(one.user) })),
    threads,
  };
}
