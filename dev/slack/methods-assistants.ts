// The assistant's pane: assistant.threads.setStatus, setTitle, setSuggestedPrompts; and agents.sessions.
import type { Caller, Context, Method, Methods } from "./context.ts";
import { invalidArguments, SlackError } from "./errors.ts";
import type { Json } from "./json.ts";
import { type AssistantThread, findMessage } from "./store.ts";

/** A status disappears after this time without a message. */
const statusLifeMs = 120_000;
const maxPrompts = 4;
const maxLoadingMessages = 10;
const maxTitle = 200;

const text = { kind: "text" } as const;
const required = { kind: "text", required: true } as const;

function openThread(values: Json, { workspace }: Caller): AssistantThread {
  const channel = workspace.channels.get(String(values.channel_id));
  if (!channel?.members.has(workspace.bot.userId)) throw new SlackError("channel_not_found");
  const root = findMessage(channel, String(values.thread_ts));
  if (!root) throw new SlackError("invalid_thread_ts");
  const ts = root.thread_ts ?? root.ts;
  const thread = channel.threads.get(ts) ?? { status: "", statusUntil: 0, title: "", prompts: [] };
  channel.threads.set(ts, thread);
  return thread;
}

export function readStatus(thread: AssistantThread, now: number): string {
  return now < thread.statusUntil ? thread.status : "";
}

const setStatus: Method = {
  scopes: ["assistant:write", "chat:write"],
  arguments: {
    channel_id: required,
    thread_ts: required,
    // An empty status removes the current one, so the field can't be "required" as others are.
    status: text,
    loading_messages: { kind: "json" },
    username: text,
    icon_emoji: text,
    icon_url: text,
  },
  run(values, caller, context) {
    const { loading_messages: loading } = values;
    if (loading !== undefined && !(Array.isArray(loading) && loading.length <= maxLoadingMessages))
      throw invalidArguments(`no more than ${maxLoadingMessages} items allowed [json-pointer:/loading_messages]`);
    const thread = openThread(values, caller);
    thread.status = String(values.status ?? "");
    thread.statusUntil = context.clock.now() + statusLifeMs;
    return {};
  },
};

const setTitle: Method = {
  scopes: ["assistant:write"],
  arguments: { channel_id: required, thread_ts: required, title: required },
  run(values, caller) {
    openThread(values, caller).title = String(values.title);
    return {};
  },
};

const setSuggestedPrompts: Method = {
  scopes: ["assistant:write"],
  arguments: { channel_id: required, thread_ts: text, title: text, prompts: { kind: "json", required: true } },
  run(values, caller) {
    const { prompts } = values;
    if (!Array.isArray(prompts) || prompts.length > maxPrompts)
      throw invalidArguments(`no more than ${maxPrompts} items allowed [json-pointer:/prompts]`);
    for (const prompt of prompts as Json[])
      if (typeof prompt?.title !== "string" || typeof prompt.message !== "string")
        throw invalidArguments("a prompt has a title and a message [json-pointer:/prompts]");
    openThread(values, caller).prompts = prompts as AssistantThread["prompts"];
    return {};
  },
};

const sessionStatus: Method = {
  scopes: ["chat:write"],
  arguments: {
    status: { kind: "text", required: true, values: ["active", "processing", "suspended", "closed"] },
    channel_id: text,
    thread_ts: text,
    title: { kind: "text", max: maxTitle },
    initiator_user_id: text,
    username: text,
    icon_emoji: text,
    icon_url: text,
  },
  run(values, caller, context) {
    const thread = openThread(values, caller);
    if (thread.session === undefined && typeof values.title === "string") thread.title = values.title;
    thread.session = String(values.status);
    return { status: thread.session, title: thread.title, ...warnOfStop(context) };
  },
};

/** Without the event, people see no Stop button. */
function warnOfStop({ app }: Context): Json {
  if (app.subscriptions.includes("agent_session_stopped")) return {};
  return { warning: "missing_agent_session_stopped_event_subscription" };
}

const renameSession: Method = {
  scopes: ["chat:write"],
  arguments: { channel_id: text, thread_ts: text, title: { kind: "text", required: true, max: maxTitle } },
  run(values, caller) {
    openThread(values, caller).title = String(values.title);
    return { title: values.title };
  },
};

export const assistantMethods: Methods = {
  "assistant.threads.setStatus": setStatus,
  "assistant.threads.setTitle": setTitle,
  "assistant.threads.setSuggestedPrompts": setSuggestedPrompts,
  "agents.sessions.setStatus": sessionStatus,
  "agents.sessions.rename": renameSession,
};
