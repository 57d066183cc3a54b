/**
 * `/api/secret…`, and the secrets of a sandbox. Values are taken and never shown.
 */
import { type Json, optionalText, optionalTexts, readJson, requireText, sendEmpty, sendJson } from "./bodies.ts";
import type { ServerContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { isVariableName } from "./keeper/settings.ts";
import { type Exchange, type Handler, integerParameter, parameter, query } from "./routes.ts";
import { describeSandbox } from "./sandbox-views.ts";
import type { SecretRecord } from "./secrets.ts";

const defaultPage = 100;
const maxPage = 200;

type Context = ServerContext;

export const secretRoutes: Record<string, Handler<Context>> = {
  "GET /secret": (exchange, { secrets }) => sendJson(exchange.response, 200, secrets.all().map(describe)),
  "GET /secret/paginated": list,
  "POST /secret": async (exchange, { secrets }) => {
    const body = await readJson(exchange.request);
    const wanted = { name: requireText(body, "name"), value: requireText(body, "value"), ...readRest(body) };
    sendJson(exchange.response, 201, describe(await secrets.add(wanted)));
  },
  "GET /secret/{id}": (exchange, { secrets }) =>
    sendJson(exchange.response, 200, describe(secrets.require(parameter(exchange, "id")))),
  "PATCH /secret/{id}": async (exchange, { secrets }) => {
    const body = await readJson(exchange.request);
    const change = { value: optionalText(body, "value"), ...readRest(body) };
    sendJson(exchange.response, 200, describe(await secrets.change(parameter(exchange, "id"), change)));
  },
  "DELETE /secret/{id}": async (exchange, { secrets }) => {
    await secrets.delete(parameter(exchange, "id"));
    sendEmpty(exchange.response, 204);
  },
  "PUT /sandbox/{id}/secrets": replaceMounted,
};

function describe({ value: _value, ...shown }: SecretRecord): Record<string, unknown> {
  return { ...shown };
}

function readRest(body: Json) {
  return {
    description: optionalText(body, "description"),
    hosts: body.hosts === undefined ? undefined : optionalTexts(body, "hosts"),
  };
}

function list(exchange: Exchange, { secrets }: Context): void {
  const limit = integerParameter(query(exchange, "limit") ?? String(defaultPage), "limit", 1, maxPage);
  const start = integerParameter(query(exchange, "cursor") ?? "0", "cursor", 0, 1_000_000);
  const part = query(exchange, "name") ?? "";
  const found = secrets.all().filter(({ name }) => name.includes(part));
  const end = start + limit;
  sendJson(exchange.response, 200, {
    items: found.slice(start, end).map(describe),
    total: found.length,
    nextCursor: end < found.length ? String(end) : null,
  });
}

/** `[{ VARIABLE: "name of a secret" }]` */
export function readMounted(body: Json): Record<string, string> {
  const { secrets = [] } = body;
  if (!Array.isArray(secrets)) throw new HttpError(400, "secrets must be an array");
  const entries = secrets.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) throw new HttpError(400, "each of secrets must be an object");
    return Object.entries(entry as Record<string, unknown>);
  });
  const wrong = entries.find(([variable, name]) => !isVariableName(variable) || typeof name !== "string");
  if (wrong !== undefined) throw new HttpError(400, `secrets holds an invalid entry: ${wrong[0].slice(0, 100)}`);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** New processes see the change, unless the sandbox was started without any secret: then the next start brings it. */
async function replaceMounted(exchange: Exchange, context: Context): Promise<void> {
  const sandbox = context.sandboxes.require(parameter(exchange, "id"));
  const mounted = readMounted(await readJson(exchange.request));
  context.secrets.requireAll(mounted);
  const { record, life } = sandbox;
  const former = Object.keys(record.secrets ?? {});
  record.secrets = mounted;
  await context.sandboxes.save(sandbox);
  if (life && former.length > 0) {
    const set = context.secrets.placeholders(mounted);
    const unset = former.filter((variable) => !(variable in set));
    await life.container.ask("variables", { set, unset });
  }
  sendJson(exchange.response, 200, describeSandbox(sandbox, context.origin()));
}
