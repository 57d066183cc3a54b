/**
 * Installs the app (the consent page, the one-use code, its exchange for a bot token) and uninstalls it (auth.revoke,
 * apps.uninstall). A workspace that has the app keeps its token when the app is installed again.
 */
import type { Caller, Context, Method, Methods, OpenMethod } from "./context.ts";
import { invalidArguments, SlackError } from "./errors.ts";
import { emitEvent } from "./events.ts";
import type { Json } from "./json.ts";
import type { Workspace } from "./store.ts";

const codeLifeMs = 600_000;
const maxCodes = 1000;

interface Code {
  workspace: Workspace;
  user: string;
  scopes: string[];
  redirectUri: string | undefined;
  at: number;
  used: boolean;
}

const codesOf = new WeakMap<Context, Map<string, Code>>();

function readCodes(context: Context): Map<string, Code> {
  const codes = codesOf.get(context) ?? new Map<string, Code>();
  codesOf.set(context, codes);
  return codes;
}

export interface Consent {
  clientId: string;
  scopes: string[];
  redirectUri: string | undefined;
  state: string | undefined;
}

/** Reads the query of `/oauth/v2/authorize`. Throws what the page would show as an error. */
export function readConsent(query: URLSearchParams, context: Context): Consent {
  const clientId = query.get("client_id") ?? "";
  if (clientId !== context.app.clientId) throw new SlackError("invalid_client_id");
  const scopes = (query.get("scope") ?? "").split(/[ ,]+/).filter((scope) => scope !== "");
  if (scopes.length === 0) throw new SlackError("no_scopes");
  const redirectUri = query.get("redirect_uri") ?? undefined;
  if (redirectUri !== undefined && !URL.canParse(redirectUri)) throw new SlackError("bad_redirect_uri");
  return { clientId, scopes, redirectUri, state: query.get("state") ?? undefined };
}

/** The address to which the browser is redirected after the decision. */
export function decideConsent(
  consent: Consent,
  decision: { workspace: Workspace; user: string; isAllowed: boolean },
  context: Context,
): string {
  if (consent.redirectUri === undefined) throw new SlackError("bad_redirect_uri");
  const target = new URL(consent.redirectUri);
  if (decision.isAllowed) {
    const code = `${decision.workspace.id}.${crypto.randomUUID().replaceAll("-", "")}`;
    const codes = readCodes(context);
    if (codes.size >= maxCodes) codes.clear();
    codes.set(code, {
      workspace: decision.workspace,
      user: decision.user,
      scopes: consent.scopes,
      redirectUri: consent.redirectUri,
      at: context.clock.now(),
      used: false,
    });
    target.searchParams.set("code", code);
  } else target.searchParams.set("error", "access_denied");
  target.searchParams.set("state", consent.state ?? "");
  return target.href;
}

/** The workspace's bot token; a new one if the app was not installed. */
export function install(workspace: Workspace, scopes: string[]): string {
  workspace.token ??= `xoxb-${workspace.id}-${crypto.randomUUID().replaceAll("-", "")}`;
  workspace.scopes = [...new Set([...workspace.scopes, ...scopes])];
  for (const channel of workspace.channels.values())
    if (channel.kind === "im") channel.members.add(workspace.bot.userId);
  return workspace.token;
}

function remove(workspace: Workspace, context: Context, why: "token_revoked" | "account_inactive"): void {
  if (workspace.token !== undefined) context.store.deadTokens.set(workspace.token, why);
  workspace.token = undefined;
  workspace.scopes = [];
}

/** As an administrator does it in the workspace's settings. */
export function uninstall(workspace: Workspace, context: Context): void {
  if (workspace.token === undefined) return;
  void emitEvent(context, workspace, { type: "tokens_revoked", tokens: { oauth: [], bot: [workspace.bot.userId] } });
  void emitEvent(context, workspace, { type: "app_uninstalled" });
  remove(workspace, context, "account_inactive");
}

const text = { kind: "text" } as const;

const access: OpenMethod = {
  isOpen: true,
  arguments: {
    client_id: text,
    client_secret: text,
    code: text,
    redirect_uri: text,
    grant_type: text,
    refresh_token: text,
    code_verifier: text,
  },
  run(values, basic, context) {
    checkClient(basic?.id ?? values.client_id, basic?.secret ?? values.client_secret, context);
    const code = readCodes(context).get(String(values.code));
    if (!code || code.used || context.clock.now() > code.at + codeLifeMs) throw new SlackError("invalid_code");
    code.used = true;
    if (values.redirect_uri !== undefined && values.redirect_uri !== code.redirectUri)
      throw new SlackError("bad_redirect_uri");
    const { workspace } = code;
    const token = install(workspace, code.scopes);
    return {
      access_token: token,
      token_type: "bot",
      scope: workspace.scopes.join(","),
      bot_user_id: workspace.bot.userId,
      app_id: context.app.id,
      team: { name: workspace.name, id: workspace.id },
      enterprise: null,
      is_enterprise_install: false,
      authed_user: { id: code.user },
    };
  },
};

function checkClient(id: unknown, secret: unknown, { app }: Context): void {
  if (id !== app.clientId) throw new SlackError("invalid_client_id");
  if (secret !== app.clientSecret) throw new SlackError("bad_client_secret");
}

const test: Method = {
  scopes: [],
  arguments: {},
  run(_values, { workspace }, context) {
    const { bot } = workspace;
    return {
      url: `${context.url()}/`,
      team: workspace.name,
      user: workspace.users.get(bot.userId)?.name,
      team_id: workspace.id,
      user_id: bot.userId,
      bot_id: bot.botId,
      is_enterprise_install: false,
    };
  },
};

const revoke: Method = {
  scopes: [],
  arguments: { test: { kind: "flag" } },
  run(values, { workspace }, context) {
    if (values.test === true) return { revoked: false };
    void emitEvent(context, workspace, { type: "tokens_revoked", tokens: { oauth: [], bot: [workspace.bot.userId] } });
    remove(workspace, context, "token_revoked");
    return { revoked: true };
  },
};

const uninstallApp: Method = {
  scopes: [],
  arguments: { client_id: text, client_secret: text },
  run(values: Json, caller: Caller, context) {
    if (values.client_id === undefined) throw invalidArguments("missing required field: client_id");
    checkClient(values.client_id, values.client_secret, context);
    uninstall(caller.workspace, context);
    return {};
  },
};

const apiTest: OpenMethod = {
  isOpen: true,
  arguments: { error: text, foo: text },
  run(values) {
    if (typeof values.error === "string") throw new SlackError(values.error);
    return { args: values };
  },
};

export const accountMethods: Methods = {
  "oauth.v2.access": access,
  "auth.test": test,
  "auth.revoke": revoke,
  "apps.uninstall": uninstallApp,
  "api.test": apiTest,
};
