/**
 * The control plane: `/api/sandbox…`.
 */
import { addressRoutes } from "./address-routes.ts";
import { type Json, optionalFlag, optionalTextMap, readJson, requireText, sendEmpty, sendJson } from "./bodies.ts";
import type { ServerContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { type Exchange, integerParameter, parameter, query, Routes } from "./routes.ts";
import { boundAutoArchive, findEnd, readAllowLists, readNewSandbox, readResources } from "./sandbox-request.ts";
import { describeSandbox, listSandboxes, pageSandboxes } from "./sandbox-views.ts";
import type { Sandbox } from "./sandboxes.ts";
import { secretRoutes } from "./secret-routes.ts";
import { snapshotRoutes } from "./snapshots-routes.ts";
import { sshRoutes } from "./ssh-access.ts";
import type { Ongoing } from "./states-changes.ts";

const maxMinutes = 10_000_000;

type Context = ServerContext;

export const sandboxRoutes = new Routes<Context>({
  ...addressRoutes,
  ...secretRoutes,
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
