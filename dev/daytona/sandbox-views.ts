/**
 * A sandbox as clients see it, alone and in pages.
 */
import type { ServerContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import type { SandboxRecord } from "./records.ts";
import { type Exchange, integerParameter, query } from "./routes.ts";
import type { Sandbox } from "./sandboxes.ts";

/** One developer, one organization. */
const organizationId = "local";
const defaultPage = 100;
const maxPage = 200;
const maxPageNumber = 1_000_000;

export function describeSandbox({ record }: Sandbox, origin: string): Record<string, unknown> {
  return { ...describeInList(record, origin), env: record.env, volumes: [], buildInfo: record.buildInfo };
}

function describeInList(record: SandboxRecord, origin: string): Record<string, unknown> {
  const { authToken: _token, signingKey: _key, signedPreviews: _previews, stoppedAt: _stopped, ...open } = record;
  const { env: _env, sshAccess: _ssh, image: _image, buildInfo: _build, gitHosts: _hosts, ...rest } = open;
  const { isIncomplete: _incomplete, secrets: _secrets, ...shown } = rest;
  return {
    ...shown,
    organizationId,
    desiredState: desiredState(record),
    backupState: record.state === "archived" || record.state === "restoring" ? "Completed" : "None",
    sandboxClass: "container",
    toolboxProxyUrl: `${origin}/toolbox`,
  };
}

function desiredState({ state }: SandboxRecord): string {
  if (state === "stopping" || state === "stopped") return "stopped";
  if (state === "destroying" || state === "destroyed") return "destroyed";
  if (state === "archiving" || state === "archived") return "archived";
  return state === "pausing" || state === "paused" ? "paused" : "started";
}

type Comparable = string | number;

const sortFields: Record<string, (record: SandboxRecord) => Comparable> = {
  name: (record) => record.name,
  cpu: (record) => record.cpu,
  memoryGib: (record) => record.memory,
  diskGib: (record) => record.disk,
  lastActivityAt: (record) => record.lastActivityAt,
  createdAt: (record) => record.createdAt,
};

export function listSandboxes(exchange: Exchange, context: ServerContext): Record<string, unknown> {
  const limit = readLimit(exchange);
  const offset = readCursor(query(exchange, "cursor"));
  const sorted = findSandboxes(exchange, context);
  const page = sorted.slice(offset, offset + limit);
  return {
    items: page.map(({ record }) => describeInList(record, context.origin())),
    nextCursor: offset + limit < sorted.length ? writeCursor(offset + limit) : null,
  };
}

/** Pages by number instead of a cursor, with full sandboxes: SDKs up to 0.19x use this. */
export function pageSandboxes(exchange: Exchange, context: ServerContext): Record<string, unknown> {
  const limit = readLimit(exchange);
  const page = integerParameter(query(exchange, "page") ?? "1", "page", 1, maxPageNumber);
  const sorted = findSandboxes(exchange, context);
  const items = sorted.slice((page - 1) * limit, page * limit);
  return {
    items: items.map((sandbox) => describeSandbox(sandbox, context.origin())),
    total: sorted.length,
    page,
    totalPages: Math.ceil(sorted.length / limit),
  };
}

function readLimit(exchange: Exchange): number {
  return integerParameter(query(exchange, "limit") ?? String(defaultPage), "limit", 1, maxPage);
}

function findSandboxes(exchange: Exchange, context: ServerContext): Sandbox[] {
  const matches = context.sandboxes.all().filter(({ record }) => matchesQuery(record, exchange));
  const field = sortFields[query(exchange, "sort") ?? "createdAt"] ?? ((record: SandboxRecord) => record.createdAt);
  const direction = query(exchange, "order") === "asc" ? 1 : -1;
  return matches.sort((a, b) => direction * compare(field(a.record), field(b.record)) || byId(a, b));
}

function compare(a: Comparable, b: Comparable): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byId(a: Sandbox, b: Sandbox): number {
  return compare(a.record.id, b.record.id);
}

function writeCursor(offset: number): string {
  return Buffer.from(String(offset)).toString("base64url");
}

function readCursor(cursor: string | undefined): number {
  if (cursor === undefined || cursor === "") return 0;
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  if (!/^\d{1,9}$/.test(text)) throw new HttpError(400, "cursor is invalid");
  return Number(text);
}

function matchesQuery(record: SandboxRecord, exchange: Exchange): boolean {
  const wants = (name: string, value: string): boolean => {
    const given = exchange.url.searchParams.getAll(name).flatMap((text) => text.split(","));
    return given.length === 0 || given.includes(value);
  };
  const begins = (name: string, value: string): boolean =>
    value.toLowerCase().startsWith((query(exchange, name) ?? "").toLowerCase());
  return (
    begins("name", record.name) &&
    begins("id", record.id) &&
    wants("states", record.state) &&
    wants("snapshots", record.snapshot ?? "") &&
    wants("regionIds", record.target) &&
    wants("sandboxClasses", "container") &&
    wants("isPublic", String(record.public)) &&
    wants("isRecoverable", String(record.recoverable)) &&
    sizeRanges.every(([minimum, maximum, value]) => isInRange(exchange, minimum, maximum, value(record), readSize)) &&
    timeRanges.every(([after, before, value]) => isInRange(exchange, after, before, value(record), readTime)) &&
    hasLabels(record, query(exchange, "labels"))
  );
}

type Range = [minimum: string, maximum: string, value: (record: SandboxRecord) => number | undefined];

const sizeRanges: Range[] = [
  ["minCpu", "maxCpu", ({ cpu }) => cpu],
  ["minMemoryGiB", "maxMemoryGiB", ({ memory }) => memory],
  ["minDiskGiB", "maxDiskGiB", ({ disk }) => disk],
  ["minGpu", "maxGpu", ({ gpu }) => gpu],
];

const timeRanges: Range[] = [
  ["createdAtAfter", "createdAtBefore", ({ createdAt }) => Date.parse(createdAt)],
  ["lastEventAfter", "lastEventBefore", ({ lastActivityAt }) => Date.parse(lastActivityAt)],
  [
    "autoDestroyAtAfter",
    "autoDestroyAtBefore",
    ({ autoDestroyAt: end }) => (end === undefined ? end : Date.parse(end)),
  ],
];

/** A sandbox without the value is in no range. */
function isInRange(
  exchange: Exchange,
  minimum: string,
  maximum: string,
  value: number | undefined,
  read: (text: string, name: string) => number,
): boolean {
  const [low, high] = [query(exchange, minimum), query(exchange, maximum)];
  if (low === undefined && high === undefined) return true;
  const least = low === undefined ? Number.NEGATIVE_INFINITY : read(low, minimum);
  const most = high === undefined ? Number.POSITIVE_INFINITY : read(high, maximum);
  return value !== undefined && value >= least && value <= most;
}

function readSize(text: string, name: string): number {
  return integerParameter(text, name, 0, 1_000_000);
}

function readTime(text: string, name: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new HttpError(400, `${name} must be a date`);
  return time;
}

function hasLabels(record: SandboxRecord, text: string | undefined): boolean {
  if (text === undefined) return true;
  let labels: unknown;
  try {
    labels = JSON.parse(text);
  } catch {
    throw new HttpError(400, "labels must be a JSON object");
  }
  if (typeof labels !== "object" || labels === null) throw new HttpError(400, "labels must be a JSON object");
  return Object.entries(labels).every(([name, value]) => record.labels[name] === value);
}
