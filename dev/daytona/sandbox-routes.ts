/**
 * The control plane: `/api/sandbox…`.
 */

import { randomBytes } from "node:crypto";
import {
  type Exchange,
  HttpError,
  integerParameter,
  type Json,
  optionalFlag,
  optionalTextMap,
  parameter,
  query,
  Routes,
  readJson,
  requireText,
  sendEmpty,
  sendJson,
} from "./http.ts";
import type { ServerContext } from "./parts.ts";
import {
  boundAutoArchive,
  describeSandbox,
  findEnd,
  listSandboxes,
  pageSandboxes,
  readAllowLists,
  readNewSandbox,
  readResources,
} from "./sandbox-shapes.ts";
import type { Sandbox } from "./sandboxes.ts";
import { readMounted, secretRoutes } from "./secrets.ts";
import { snapshotRoutes } from "./snapshot-routes.ts";
import { sshRoutes } from "./ssh.ts";
import type { Ongoing } from "./states.ts";

const maxMinutes = 10_000_000;

type Context = ServerContext;

export const sandboxRoutes = new Routes<Context>({
  "GET /sandbox/{id}/toolbox-proxy-url": (exchange, context) => {
    find(exchange, context);
    sendJson(exchange.response, 200, { url: `${context.origin()}/toolbox` });
  },
  "GET /sandbox/{id}/ports/{port}/preview-url": previewUrl,
  "GET /sandbox/{id}/ports/{port}/signed-preview-url": signedPreviewUrl,
  "POST /sandbox/{id}/ports/{port}/signed-preview-url/{token}/expire": expireSignedPreview,
  ...secretRoutes,
  "PUT /sandbox/{id}/secrets": replaceMounted,
  ...snapshotRoutes,
  ...sshRoutes,
  "GET /sandbox": (exchange, context) => sendJson(exchange.response, 200, listSandboxes(exchange, context)),
  "GET /sandbox/paginated": (exchange, context) => sendJson(exchange.response, 200, pageSandboxes(exchange, context)),
  "POST /sandbox": createSandbox,
  "GET /sandbox/{id}": (exchange, context) => sendSandbox(exchange, context, find(exchange, context)),
  "DELETE /sandbox/{id}": (exchange, context) => change(exchange, context, (box) => context.changes.delete(box)),
  "POST /sandbox/{id}/start": (exchange, context) => change(exchange, context, (box) => context.changes.start(box)),
  "POST /sandbox/{id}/stop": (exchange, context) => change(exchange, context, (box) => context.changes.stop(box)),
  "POST /sandbox/{id}/pause": (exchange, context) => context.changes.pause(find(exchange, context)),
  "POST /sandbox/{id}/archive": (exchange, context) => change(exchange, context, (box) => context.changes.archive(box)),
  "POST /sandbox/{id}/recover": (exchange, context) => {
    const skipStart = query(exchange, "skipStart") === "true";
    return change(exchange, context, (box) => context.changes.recover(box, skipStart));
  },
  "POST /sandbox/{id}/resize": async (exchange, context) => {
    const wanted = readResources(await readJson(exchange.request));
    await change(exchange, context, (box) => context.changes.resize(box, wanted));
  },
  "POST /sandbox/{id}/fork": (exchange, context) => {
    find(exchange, context);
    // apps/api/src/sandbox/services/sandbox.service.ts, forkSandbox: only virtual machines.
    throw new HttpError(422, "Forking is not supported for this sandbox");
  },
  "POST /sandbox/{id}/snapshot": async (exchange, context) => {
    const name = requireText(await readJson(exchange.request), "name");
    await change(exchange, context, (box) => context.origins.snapshot(box, name));
  },
  "POST /sandbox/{id}/last-activity": touch,
  "PUT /sandbox/{id}/labels": replaceLabels,
  "POST /sandbox/{id}/public/{isPublic}": setPublic,
  "POST /sandbox/{id}/network-settings": setNetwork,
  "POST /sandbox/{id}/autostop/{minutes}": (exchange, context) => setMinutes(exchange, context, "autoStopInterval"),
  "POST /sandbox/{id}/autoarchive/{minutes}": (exchange, context) =>
    setMinutes(exchange, context, "autoArchiveInterval"),
  "POST /sandbox/{id}/autodelete/{minutes}": (exchange, context) => setMinutes(exchange, context, "autoDeleteInterval"),
  "POST /sandbox/{id}/ttl/{minutes}": setEnd,
  "GET /config": (exchange, context) =>
    sendJson(exchange.response, 200, { version: "0.218.0", proxyToolboxUrl: `${context.origin()}/toolbox` }),
});

function find(exchange: Exchange, context: Context): Sandbox {
  return context.sandboxes.require(parameter(exchange, "id"));
}

/** A POST for which NestJS has no status is answered with 201. */
function sendSandbox(exchange: Exchange, context: Context, sandbox: Sandbox, status = 200): void {
  const shown = describeSandbox(sandbox, context.origin());
  sendJson(
    exchange.response,
    status,
    exchange.reportedState === undefined ? shown : { ...shown, state: exchange.reportedState },
  );
}

/**
 * Waits for changes that finish quickly, and otherwise responds with the transitional state, as the real server does.
 */
async function answer(exchange: Exchange, context: Context, sandbox: Sandbox, { done }: Ongoing): Promise<void> {
  const isSlow = sandbox.record.state === "archiving" && context.rules.archiveMs > 0;
  if (!context.changes.lingers && !isSlow) await done;
  sendSandbox(exchange, context, sandbox);
}

async function change(
  exchange: Exchange,
  context: Context,
  act: (sandbox: Sandbox) => Promise<Ongoing>,
): Promise<void> {
  const sandbox = find(exchange, context);
  await answer(exchange, context, sandbox, await act(sandbox));
}

async function createSandbox(exchange: Exchange, context: Context): Promise<void> {
  const { wanted, snapshot } = readNewSandbox(await readJson(exchange.request), context.snapshots, context.rules);
  context.secrets.requireAll(wanted.secrets ?? {});
  const { sandbox, done } = await context.origins.create(wanted, snapshot);
  // The request that starts a build does not wait for it.
  if (wanted.buildInfo) sendSandbox(exchange, context, sandbox);
  else await answer(exchange, context, sandbox, { done });
}

function touch(exchange: Exchange, context: Context): void {
  context.sandboxes.touch(find(exchange, context));
  sendEmpty(exchange.response, 201);
}

async function replaceLabels(exchange: Exchange, context: Context): Promise<void> {
  const labels = optionalTextMap(await readJson(exchange.request), "labels");
  const sandbox = find(exchange, context);
  sandbox.record.labels = labels;
  await context.sandboxes.save(sandbox);
  sendJson(exchange.response, 200, { labels });
}

async function setPublic(exchange: Exchange, context: Context): Promise<void> {
  const sandbox = find(exchange, context);
  const { isPublic } = exchange.parameters;
  if (isPublic !== "true" && isPublic !== "false") throw new HttpError(400, "isPublic must be true or false");
  sandbox.record.public = isPublic === "true";
  await context.sandboxes.save(sandbox);
  sendSandbox(exchange, context, sandbox, 201);
}

async function setNetwork(exchange: Exchange, context: Context): Promise<void> {
  const body: Json = await readJson(exchange.request);
  const sandbox = find(exchange, context);
  const lists = readAllowLists(body);
  const { record } = sandbox;
  if (["networkBlockAll", "networkAllowList", "domainAllowList"].every((name) => body[name] === undefined)) {
    throw new HttpError(400, "At least one of networkBlockAll, networkAllowList or domainAllowList must be provided");
  }
  // apps/api/src/sandbox/services/sandbox.service.ts, updateNetworkSettings: the block and the list replace each other.
  if (body.domainAllowList !== undefined) record.domainAllowList = lists.domainAllowList || undefined;
  if (body.networkBlockAll !== undefined) {
    record.networkBlockAll = optionalFlag(body, "networkBlockAll");
    record.networkAllowList = undefined;
  }
  if (body.networkAllowList !== undefined) {
    record.networkAllowList = lists.networkAllowList || undefined;
    if (lists.networkAllowList) record.networkBlockAll = false;
  }
  await context.sandboxes.save(sandbox);
  sendSandbox(exchange, context, sandbox);
}

type Interval = "autoStopInterval" | "autoArchiveInterval" | "autoDeleteInterval";

async function setMinutes(exchange: Exchange, context: Context, name: Interval): Promise<void> {
  const sandbox = find(exchange, context);
  const minimum = name === "autoDeleteInterval" ? -1 : 0;
  const { minutes: text = "" } = exchange.parameters;
  // apps/api/src/sandbox/services/sandbox.service.ts compares the number that it is not, and Postgres refuses that.
  if (context.rules.mode === "0.190" && Number.isNaN(Number(text))) {
    throw new HttpError(500, "An unexpected error occurred.");
  }
  const minutes = integerParameter(text, name, minimum, maxMinutes);
  const value = name === "autoArchiveInterval" ? boundAutoArchive(minutes) : minutes;
  sandbox.record[name] = value;
  await context.sandboxes.save(sandbox);
  sendSandbox(exchange, context, sandbox, 201);
}

async function setEnd(exchange: Exchange, context: Context): Promise<void> {
  const sandbox = find(exchange, context);
  sandbox.record.autoDestroyAt = findEnd(integerParameter(exchange.parameters.minutes, "ttl", 0, maxMinutes));
  await context.sandboxes.save(sandbox);
  sendSandbox(exchange, context, sandbox);
}

const defaultPreviewSeconds = 60;
const maxPreviewSeconds = 86_400;
const maxSignedPreviews = 200;

function readPort(exchange: Exchange): number {
  return integerParameter(exchange.parameters.port, "port", 1, 65_535);
}

function previewUrl(exchange: Exchange, context: ServerContext): void {
  const { record } = find(exchange, context);
  const url = context.previewUrl(readPort(exchange), record.id);
  sendJson(exchange.response, 200, { sandboxId: record.id, url, token: record.authToken });
}

async function signedPreviewUrl(exchange: Exchange, context: ServerContext): Promise<void> {
  const sandbox = find(exchange, context);
  const port = readPort(exchange);
  const wanted = query(exchange, "expiresInSeconds");
  const seconds =
    wanted === undefined ? defaultPreviewSeconds : integerParameter(wanted, "expiresInSeconds", 1, maxPreviewSeconds);
  const token = makeLabel();
  const now = Date.now();
  const { record } = sandbox;
  // Expired entries are kept for a while: a browser that opened one in time still has its cookie.
  record.signedPreviews = record.signedPreviews
    .filter((preview) => preview.expiresAt + 3_600_000 > now)
    .slice(1 - maxSignedPreviews);
  record.signedPreviews.push({ token, port, expiresAt: now + seconds * 1000 });
  await context.sandboxes.save(sandbox);
  sendJson(exchange.response, 200, { sandboxId: record.id, port, token, url: context.previewUrl(port, token) });
}

/** Host names are case-insensitive, so the label encodes 130 random bits in base 32. */
function makeLabel(): string {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  return Array.from(randomBytes(26), (byte) => letters.charAt(byte % letters.length)).join("");
}

async function expireSignedPreview(exchange: Exchange, context: ServerContext): Promise<void> {
  const sandbox = find(exchange, context);
  const [port, token] = [readPort(exchange), parameter(exchange, "token")];
  const { record } = sandbox;
  record.signedPreviews = record.signedPreviews.filter((preview) => preview.token !== token || preview.port !== port);
  await context.sandboxes.save(sandbox);
  sendEmpty(exchange.response, 200);
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
