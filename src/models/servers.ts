// Which server a model is at. People name `server/model`, where the part before the first slash is a name in
// MODEL_SERVERS, and never an address. Every other name goes to the server of OPENAI_BASE_URL as it is, since models of
// routers have slashes too.
import type { Model, ModelFailure } from "../agent/model.ts";
import type { ModelServer } from "../config/model-servers.ts";
import type { ModelSettings } from "../config/models.ts";
import { describeAllowed, isAllowed, MAX_LISTED, quote } from "./allowed.ts";
import { contextTokens } from "./context-tokens.ts";
import { serverNames } from "./profiles/servers.ts";

export interface Route {
  /** Null is the server of OPENAI_BASE_URL. */
  server_name: string | null;
  server: ModelServer;
  /** What the server calls the model. */
  model: string;
}

/** Or why there is no such model, for the person who named it. */
export type Routing = { ok: true; route: Route } | { ok: false; message: string; reason: ModelFailure["reason"] };

/** Settings are the same object for an isolate's whole life, and every look for a model asks. */
const problems = new WeakMap<ModelSettings, string | null>();

/** What is wrong with the settings, in a sentence that holds no secret; null if nothing is. */
export function findSettingProblem(settings: ModelSettings): string | null {
  const known = problems.get(settings);
  if (known !== undefined) return known;
  const problem = checkSettings(settings);
  problems.set(settings, problem);
  return problem;
}

function checkSettings({ problem, default_server, servers }: ModelSettings): string | null {
  if (problem !== null) return problem;
  const isUnknown = (server: ModelServer | null) => {
    const profile = server?.profile ?? null;
    return profile !== null && !serverNames.includes(profile);
  };
  const names = serverNames.join(", ");
  if (isUnknown(default_server)) return `The server's setting MODEL_PROFILE must be one of ${names}.`;
  const [name] = [...servers].find(([, server]) => isUnknown(server)) ?? [];
  if (name === undefined) return null;
  return `The server's setting MODEL_SERVERS is wrong at "${name}": provider must be one of ${names}.`;
}

export function findRoute(settings: ModelSettings, name: string): Routing {
  const problem = findSettingProblem(settings);
  if (problem !== null) return { ok: false, message: problem, reason: "request_refused" };
  const slash = name.indexOf("/");
  const server_name = slash < 0 ? "" : name.slice(0, slash);
  const named = settings.servers.get(server_name);
  if (named === undefined) return routeToDefault(settings, name);
  return checkList(settings, name, { server_name, server: named, model: name.slice(slash + 1) });
}

function routeToDefault(settings: ModelSettings, name: string): Routing {
  const { default_server: server, servers, default_model } = settings;
  if (server !== null) return checkList(settings, name, { server_name: null, server, model: name });
  const missing = "the server's setting OPENAI_API_KEY is missing";
  if (servers.size === 0) return { ok: false, message: `No model is set up: ${missing}.`, reason: "invalid_key" };
  const message =
    default_model === null
      ? `No model is chosen: name one as server/model in the run, the agent or the server's setting OPENAI_MODEL. The servers are ${[...servers.keys()].join(", ")}.`
      : `${quote(name)} is at no server: ${missing}, and the names before a slash can be ${[...servers.keys()].join(", ")}.`;
  return { ok: false, message, reason: "model_not_found" };
}

/** What the operator chose as the default may always be used. */
function checkList(settings: ModelSettings, name: string, route: Route): Routing {
  const { default_model } = settings;
  const { server, server_name, model } = route;
  if (model === "") return { ok: false, message: `${quote(name)} names no model.`, reason: "model_not_found" };
  if (!isAllowed(settings, name)) return { ok: false, message: describeAllowed(settings, name), reason: "not_allowed" };
  if (name === default_model || server.models === null || server.models.includes(model)) return { ok: true, route };
  const prefix = server_name === null ? "" : `${server_name}/`;
  const listed = server.models.slice(0, MAX_LISTED).map((each) => `${prefix}${each}`);
  const more = server.models.length > MAX_LISTED ? " and others" : "";
  const message = `${quote(name)} can't be chosen here. Models that can: ${listed.join(", ")}${more}.`;
  return { ok: false, message, reason: "model_not_found" };
}

/**
 * Why the name can't be chosen, for the person who chooses it; null if it can, as far as the settings say. A wrong
 * setting is the operator's, and no reason to refuse an agent.
 */
export function findRefusal(settings: ModelSettings, name: string): string | null {
  const { default_server, servers } = settings;
  if (findSettingProblem(settings) !== null || (default_server === null && servers.size === 0)) return null;
  const routing = findRoute(settings, name);
  return routing.ok ? null : routing.message;
}

/** How many tokens a model reads and writes in one call. */
export function findContextTokens(settings: ModelSettings, name: string): number {
  const routing = findRoute(settings, name);
  if (!routing.ok) return contextTokens(name);
  const { server, model } = routing.route;
  return server.context_tokens ?? contextTokens(model);
}

/** Sends each request to its model's server. A server is opened at its first request. */
export function routeByName(settings: ModelSettings, open: (server: ModelServer, name: string | null) => Model): Model {
  const opened = new Map<string | null, Model>();
  return {
    async stream(request, onDelta, signal) {
      const routing = findRoute(settings, request.model);
      if (!routing.ok) return { kind: "failure", failure: refuse(routing.message, routing.reason) };
      const { server_name, server, model } = routing.route;
      const known = opened.get(server_name) ?? open(server, server_name);
      opened.set(server_name, known);
      return known.stream({ ...request, model }, onDelta, signal);
    },
  };
}

function refuse(message: string, reason: ModelFailure["reason"]): ModelFailure {
  return { code: "model_error", reason, message, retryable: false, retry_after_ms: null, is_free: true };
}
