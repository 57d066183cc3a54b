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
  const { authToken: _token, signedPreviews: _previews, stoppedAt: _stopped, ...open } = record;
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
  return "started";
}

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
  return matches.sort((a, b) => compare(b.record.createdAt, a.record.createdAt) || compare(a.record.id, b.record.id));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
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
    hasLabels(record, query(exchange, "labels"))
  );
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
