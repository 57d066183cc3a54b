/**
 * git's configuration, and the credentials that a client stores in a sandbox.
 */
import { optionalText, readJson, requireText, sendEmpty, sendJson } from "./bodies.ts";
import type { ToolboxContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { runGit, tryGit } from "./git-run.ts";
import { type Exchange, type Handler, query, requireQuery } from "./routes.ts";

export const settingsRoutes: Record<string, Handler<ToolboxContext>> = {
  "GET /git/config": sendConfig,
  "POST /git/config": setConfig,
  "POST /git/config/user": configureUser,
  "POST /git/credentials": storeCredentials,
};

interface Place {
  path: string;
  scope: string;
}

/** Where a setting is stored. The system's settings can't be changed from a sandbox. */
function readPlace(path: string | undefined, scope: string | undefined): Place {
  const chosen = scope || "global";
  if (!["global", "local", "system"].includes(chosen))
    throw new HttpError(400, "scope must be one of global, local, system");
  if (chosen === "local" && !path) throw new HttpError(400, "path is required for the local scope");
  return { path: chosen === "local" ? (path ?? "") : "", scope: `--${chosen}` };
}

function requireKey(key: string): string {
  if (!/^[a-z0-9-]+\.(?:.*\.)?[a-z0-9-]+$/is.test(key)) throw new HttpError(400, `${key} is not the key of a setting`);
  return key;
}

async function sendConfig(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const key = requireKey(requireQuery(exchange, "key"));
  const { path, scope } = readPlace(query(exchange, "path"), query(exchange, "scope"));
  if (scope === "--local") await runGit(context, { path, args: ["rev-parse", "--git-dir"] });
  const { exitCode, stdout } = await tryGit(context, { path, args: ["config", scope, "--get", key] });
  sendJson(exchange.response, 200, { value: exitCode === 0 ? stdout.replace(/\n$/, "") : null });
}

async function writeConfig(context: ToolboxContext, { path, scope }: Place, key: string, value: string): Promise<void> {
  if (scope === "--system") throw new HttpError(403, "a sandbox can't change the system's settings");
  await runGit(context, { path, args: ["config", scope, "--replace-all", requireKey(key), value] });
}

async function setConfig(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const place = readPlace(optionalText(body, "path"), optionalText(body, "scope"));
  const value = optionalText(body, "value");
  if (value === undefined) throw new HttpError(400, "value is required and must be a string");
  await writeConfig(context, place, requireText(body, "key"), value);
  sendEmpty(exchange.response, 200);
}

async function configureUser(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const place = readPlace(optionalText(body, "path"), optionalText(body, "scope"));
  const [name, email] = [requireText(body, "name"), requireText(body, "email")];
  await writeConfig(context, place, "user.name", name);
  await writeConfig(context, place, "user.email", email);
  sendEmpty(exchange.response, 200);
}

/** Stores credentials in plain text in a file of the sandbox, as the client asks and the daemon documents. */
async function storeCredentials(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  const fields = {
    protocol: optionalText(body, "protocol") || "https",
    host: optionalText(body, "host") || "github.com",
    username: requireText(body, "username"),
    password: requireText(body, "password"),
  };
  if (Object.values(fields).some((value) => /[\n\r\0]/.test(value))) {
    throw new HttpError(400, "credentials can't hold line breaks");
  }
  await writeConfig(context, readPlace(undefined, "global"), "credential.helper", "store");
  const input = `${Object.entries(fields)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("")}\n`;
  await runGit(context, { path: "", args: ["credential", "approve"], input });
  sendEmpty(exchange.response, 200);
}
