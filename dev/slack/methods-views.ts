// views.open, views.push, views.update, views.publish. A trigger opens one view, within three seconds.
import { findProblems } from "./blocks.ts";
import type { Caller, Context, Method, Methods } from "./context.ts";
import { invalidArguments, SlackError } from "./errors.ts";
import type { Json } from "./json.ts";
import type { OpenView, Workspace } from "./store.ts";

const triggerLifeMs = 3000;
const maxViewBytes = 250_000;
const maxStack = 3;
const maxViews = 200;
const view = { kind: "json", required: true } as const;
const text = { kind: "text" } as const;

function checkView(value: Json, type: "modal" | "home"): Json {
  if (JSON.stringify(value).length > maxViewBytes) throw new SlackError("view_too_large");
  const problems: string[] = [];
  const known = ["type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close"];
  known.push("notify_on_close", "external_id", "submit_disabled");
  for (const name of Object.keys(value))
    if (!known.includes(name)) problems.push(`no more fields allowed: ${name} [json-pointer:/view]`);
  if (value.type !== type) problems.push(`unsupported type: ${String(value.type)} [json-pointer:/view/type]`);
  if (type === "modal") checkTitle(value.title, "title", problems);
  for (const name of ["close", "submit"]) if (value[name] !== undefined) checkTitle(value[name], name, problems);
  const lengths = { private_metadata: 3000, callback_id: 255, external_id: 255 };
  for (const [name, max] of Object.entries(lengths)) {
    const field = value[name];
    if (field === undefined) continue;
    if (typeof field !== "string" || field.length > max)
      problems.push(`must be less than ${max + 1} characters [json-pointer:/view/${name}]`);
  }
  problems.push(...findProblems(value.blocks, { surface: "view", max: 100 }));
  const inputs = Array.isArray(value.blocks) && value.blocks.some((block: Json) => block.type === "input");
  if (inputs && value.submit === undefined && type === "modal")
    problems.push("missing required field: submit [json-pointer:/view]");
  if (problems.length > 0) throw invalidArguments(...problems);
  return value;
}

function checkTitle(value: unknown, name: string, problems: string[]): void {
  const title = value as Json | undefined;
  const isText = title?.type === "plain_text" && typeof title.text === "string" && title.text.length > 0;
  if (!isText || String(title.text).length > 24)
    problems.push(`must be plain_text of 1 to 24 characters [json-pointer:/view/${name}]`);
}

function takeTrigger(id: unknown, { workspace }: Caller, context: Context): string {
  const trigger = context.store.triggers.get(String(id));
  if (!trigger || trigger.workspace !== workspace) throw new SlackError("invalid_trigger_id");
  if (trigger.used) throw new SlackError("exchanged_trigger_id");
  if (context.clock.now() > trigger.at + triggerLifeMs) throw new SlackError("expired_trigger_id");
  trigger.used = true;
  return trigger.user;
}

/** Shows a view to a person, replacing the open one or on top of it. */
export function showView(
  context: Context,
  workspace: Workspace,
  user: string,
  value: Json,
  below?: OpenView,
): OpenView {
  const checked = checkView(value, "modal");
  const taken = workspace.views.some(({ view: open }) => open.external_id === checked.external_id);
  if (checked.external_id !== undefined && taken) throw new SlackError("duplicate_external_id");
  const id = context.store.newId("V");
  const opened: OpenView = {
    id,
    hash: newHash(context),
    rootId: below?.rootId ?? id,
    ...(below ? { previousId: below.id } : {}),
    user,
    view: nameInputs(checked),
    errors: {},
  };
  if (!below) workspace.views = workspace.views.filter((open) => open.user !== user);
  if (workspace.views.length >= maxViews) workspace.views.shift();
  workspace.views.push(opened);
  return opened;
}

export function replaceView(context: Context, open: OpenView, value: Json): void {
  open.view = nameInputs(checkView(value, "modal"));
  open.hash = newHash(context);
  open.errors = {};
}

function newHash(context: Context): string {
  return `${context.store.newTs()}.${crypto.randomUUID().slice(0, 8)}`;
}

function nameInputs(value: Json): Json {
  const blocks = (value.blocks as Json[]).map((block) => {
    const element = block.element as Json | undefined;
    const named = element ? { element: { action_id: crypto.randomUUID().slice(0, 5), ...element } } : {};
    return { block_id: crypto.randomUUID().slice(0, 5), ...block, ...named };
  });
  return { ...value, blocks };
}

export function describeView(open: OpenView, workspace: Workspace, context: Context, values: Json = {}): Json {
  return {
    id: open.id,
    team_id: workspace.id,
    callback_id: "",
    private_metadata: "",
    external_id: "",
    clear_on_close: false,
    notify_on_close: false,
    close: null,
    submit: null,
    ...open.view,
    state: { values },
    hash: open.hash,
    previous_view_id: open.previousId ?? null,
    root_view_id: open.rootId,
    app_id: workspace.guestApp ?? context.app.id,
    bot_id: workspace.bot.botId,
    app_installed_team_id: workspace.id,
  };
}

const openView: Method = {
  scopes: [],
  arguments: { trigger_id: text, interactivity_pointer: text, view },
  run(values, caller, context) {
    checkView(values.view as Json, "modal");
    const user = takeTrigger(values.trigger_id, caller, context);
    const opened = showView(context, caller.workspace, user, values.view as Json);
    return { view: describeView(opened, caller.workspace, context) };
  },
};

const pushView: Method = {
  scopes: [],
  arguments: { trigger_id: text, interactivity_pointer: text, view },
  run(values, caller, context) {
    checkView(values.view as Json, "modal");
    const user = takeTrigger(values.trigger_id, caller, context);
    const stack = caller.workspace.views.filter((open) => open.user === user);
    const top = stack.at(-1);
    if (!top) throw new SlackError("not_found");
    if (stack.length >= maxStack) throw new SlackError("push_limit_reached");
    const opened = showView(context, caller.workspace, user, values.view as Json, top);
    return { view: describeView(opened, caller.workspace, context) };
  },
};

const updateView: Method = {
  scopes: [],
  arguments: { view_id: text, external_id: text, hash: text, view },
  run(values, caller, context) {
    const { view_id: id, external_id: external } = values;
    if (id === undefined && external === undefined) throw invalidArguments("missing required field: view_id");
    const open = caller.workspace.views.find((one) =>
      id === undefined ? one.view.external_id === external : one.id === id,
    );
    if (!open) throw new SlackError("not_found");
    if (values.hash !== undefined && values.hash !== open.hash) throw new SlackError("hash_conflict");
    replaceView(context, open, values.view as Json);
    return { view: describeView(open, caller.workspace, context) };
  },
};

const publishView: Method = {
  scopes: [],
  arguments: { user_id: { kind: "text", required: true }, hash: text, view },
  run(values, caller) {
    checkView(values.view as Json, "home");
    if (!caller.workspace.users.has(String(values.user_id))) throw new SlackError("user_not_found");
    return { view: values.view };
  },
};

export const viewMethods: Methods = {
  "views.open": openView,
  "views.push": pushView,
  "views.update": updateView,
  "views.publish": publishView,
};
