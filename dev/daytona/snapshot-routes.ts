/**
 * `/api/snapshots…`, and the logs of builds.
 */
import {
  type Exchange,
  type Handler,
  HttpError,
  integerParameter,
  optionalTexts,
  parameter,
  query,
  readJson,
  requireText,
  sendEmpty,
  sendJson,
  writeBody,
} from "./http.ts";
import type { ServerContext } from "./parts.ts";
import { readDockerfile, readResources, refuseUnsupported } from "./sandbox-shapes.ts";
import { checkImageName, type NewSnapshot, type SnapshotRecord } from "./snapshots.ts";
import { refuseOversize } from "./states.ts";

const defaultResources = { cpu: 1, memory: 1, disk: 3 };
const defaultPage = 10;
const maxPage = 200;

export const snapshotRoutes: Record<string, Handler<ServerContext>> = {
  "GET /snapshots": listSnapshots,
  "POST /snapshots": createSnapshot,
  "GET /snapshots/{id}": (exchange, context) => sendSnapshot(exchange, find(exchange, context)),
  "DELETE /snapshots/{id}": async (exchange, context) => {
    await context.snapshots.remove(find(exchange, context));
    sendEmpty(exchange.response, 200);
  },
  "POST /snapshots/{id}/activate": async (exchange, context) => {
    const snapshot = find(exchange, context);
    await context.snapshots.activate(snapshot);
    sendSnapshot(exchange, snapshot);
  },
  "POST /snapshots/{id}/deactivate": async (exchange, context) => {
    await context.snapshots.deactivate(find(exchange, context));
    sendEmpty(exchange.response, 204);
  },
  "GET /snapshots/{id}/build-logs-url": (exchange, context) => {
    const { id } = requireSnapshotBuild(exchange, context);
    sendJson(exchange.response, 200, { url: `${context.origin()}/api/snapshots/${id}/build-logs` });
  },
  "GET /snapshots/{id}/build-logs": (exchange, context) =>
    sendLog(exchange, context, context.snapshots.folder(requireSnapshotBuild(exchange, context).id)),
  "GET /sandbox/{id}/build-logs-url": (exchange, context) => {
    const { record } = requireSandboxBuild(exchange, context);
    sendJson(exchange.response, 200, { url: `${context.origin()}/api/sandbox/${record.id}/build-logs` });
  },
  "GET /sandbox/{id}/build-logs": (exchange, context) =>
    sendLog(exchange, context, requireSandboxBuild(exchange, context).folder),
};

function find(exchange: Exchange, context: ServerContext): SnapshotRecord {
  return context.snapshots.require(parameter(exchange, "id"));
}

function requireSnapshotBuild(exchange: Exchange, context: ServerContext): SnapshotRecord {
  const snapshot = find(exchange, context);
  if (!snapshot.buildInfo) throw new HttpError(404, `Snapshot with ID ${snapshot.id} has no build info`);
  return snapshot;
}

function requireSandboxBuild(exchange: Exchange, context: ServerContext) {
  const sandbox = context.sandboxes.require(parameter(exchange, "id"));
  if (!sandbox.record.buildInfo) throw new HttpError(404, `Sandbox with ID ${sandbox.record.id} has no build info`);
  return sandbox;
}

function sendSnapshot(exchange: Exchange, snapshot: SnapshotRecord): void {
  sendJson(exchange.response, 200, describeSnapshot(snapshot));
}

function describeSnapshot(snapshot: SnapshotRecord): Record<string, unknown> {
  const { image: _image, memory, regionId, ...shown } = snapshot;
  return {
    ...shown,
    organizationId: "local",
    mem: memory,
    gpu: 0,
    size: null,
    regionIds: [regionId],
    ref: snapshot.buildInfo?.snapshotRef ?? snapshot.imageName,
    sandboxClass: "container",
    entrypoint: snapshot.entrypoint ?? null,
    errorReason: snapshot.errorReason ?? null,
    lastUsedAt: snapshot.lastUsedAt ?? null,
    sourceSandboxId: snapshot.sourceSandboxId ?? null,
  };
}

function listSnapshots(exchange: Exchange, context: ServerContext): void {
  const read = (name: string, preset: number, maximum: number): number => {
    const text = query(exchange, name);
    return text === undefined ? preset : integerParameter(text, name, 1, maximum);
  };
  const [page, limit] = [read("page", 1, 1_000_000), read("limit", defaultPage, maxPage)];
  const name = query(exchange, "name")?.toLowerCase() ?? "";
  const source = query(exchange, "sourceSandboxId");
  const matches = context.snapshots
    .all()
    .filter((snapshot) => snapshot.name.toLowerCase().includes(name))
    .filter((snapshot) => source === undefined || snapshot.sourceSandboxId === source)
    // Newest first, general snapshots last.
    .sort((a, b) => Number(a.general) - Number(b.general) || (a.createdAt < b.createdAt ? 1 : -1));
  sendJson(exchange.response, 200, {
    items: matches.slice((page - 1) * limit, page * limit).map(describeSnapshot),
    total: matches.length,
    page,
    totalPages: Math.ceil(matches.length / limit),
  });
}

async function createSnapshot(exchange: Exchange, context: ServerContext): Promise<void> {
  const body = await readJson(exchange.request);
  refuseUnsupported(body);
  const wanted: NewSnapshot = {
    name: requireText(body, "name"),
    ...defaultResources,
    ...readResources(body),
    regionId: typeof body.regionId === "string" ? body.regionId : "local",
  };
  const dockerfile = readDockerfile(body);
  const entrypoint = optionalTexts(body, "entrypoint").filter((word) => word.trim() !== "");
  if (dockerfile !== undefined) {
    if (body.imageName) throw new HttpError(400, "Cannot specify an image name when using a build info entry");
    if (entrypoint.length > 0) throw new HttpError(400, "Cannot specify an entrypoint when using a build info entry");
    sendSnapshot(exchange, await context.origins.buildSnapshot(wanted, dockerfile));
    return;
  }
  if (typeof body.imageName !== "string" || body.imageName === "")
    throw new HttpError(400, "Must specify an image name");
  checkImageName(body.imageName);
  refuseOversize(wanted, context.quotas);
  const named = { ...wanted, imageName: body.imageName, ...(entrypoint.length > 0 ? { entrypoint } : {}) };
  // There is nothing to pull: this machine's system stands in for every image.
  sendSnapshot(exchange, await context.snapshots.add(named, "active"));
}

async function sendLog(exchange: Exchange, context: ServerContext, folder: string): Promise<void> {
  const { response } = exchange;
  const { builds } = context;
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" });
  // A follower gets its headers at once, long before the first line.
  response.flushHeaders();
  const isFollowed = query(exchange, "follow") === "true";
  for await (const piece of builds.logs.read(builds.logPath(folder), isFollowed, gone.signal)) {
    await writeBody(response, Buffer.from(piece));
  }
  response.end();
}
