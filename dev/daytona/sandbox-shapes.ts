/**
 * A sandbox as clients ask for it, validated, and as they see it, alone and in pages.
 */

import { maxDockerfileBytes } from "./dockerfile.ts";
import {
  type Exchange,
  HttpError,
  integerParameter,
  type Json,
  optionalFlag,
  optionalInteger,
  optionalText,
  optionalTextMap,
  query,
} from "./http.ts";
import { isVariableName } from "./keeper/settings.ts";
import { describeBuild } from "./origins.ts";
import type { ServerContext } from "./parts.ts";
import type { Rules } from "./rules.ts";
import type { NewSandbox, Sandbox, SandboxRecord } from "./sandboxes.ts";
import { readMounted } from "./secrets.ts";
import { defaultSnapshot, type SnapshotRecord, type Snapshots } from "./snapshots.ts";

/** The real server's defaults. */
const autoStopMinutes = 15;
const autoArchiveMinutes = 7 * 24 * 60;
/** The longest that a stopped sandbox stays unarchived; the value 0 means this. */
const maxAutoArchiveMinutes = 30 * 24 * 60;
const defaultResources = { cpu: 1, memory: 1, disk: 3 };
const maxListLength = 10_000;
const maxNetworks = 10;
const minuteMs = 60_000;

/** Features of Daytona that this server doesn't have. */
const unsupported = [
  "autoPauseInterval",
  "volumes",
  "gpu",
  "gpuType",
  "spot",
  "linkedSandbox",
  "kvm",
  "outboundProxyUrl",
];

export function refuseUnsupported(body: Json): void {
  for (const name of unsupported) {
    const value = body[name];
    const absent = value === undefined || value === null || value === false || value === 0 || value === "";
    if (absent || (Array.isArray(value) && value.length === 0)) continue;
    throw new HttpError(501, `${name} is not supported by this server`);
  }
}

interface Wanted {
  wanted: NewSandbox;
  snapshot: SnapshotRecord | undefined;
}

export function readNewSandbox(body: Json, snapshots: Snapshots, rules: Rules): Wanted {
  refuseUnsupported(body);
  const target = readTarget(body, rules);
  const env = optionalTextMap(body, "env");
  const wrong = Object.keys(env).find((name) => !isVariableName(name));
  if (wrong !== undefined) throw new HttpError(400, `env holds an invalid name: ${wrong.slice(0, 100)}`);
  if (Object.values(env).some((value) => value.includes("\0"))) {
    throw new HttpError(400, "an environment variable can't hold a NUL byte");
  }
  const base = {
    name: checkName(optionalText(body, "name")),
    user: optionalText(body, "user") ?? "daytona",
    env,
    ...(rules.mode === "0.190" ? {} : { secrets: readMounted(body) }),
    labels: optionalTextMap(body, "labels"),
    public: optionalFlag(body, "public"),
    networkBlockAll: optionalFlag(body, "networkBlockAll"),
    ...readAllowLists(body),
    target,
    gpu: 0,
    ...readIntervals(body, rules),
  };
  const resources = readResources(body);
  const dockerfile = readDockerfile(body);
  if (dockerfile !== undefined) {
    if (optionalText(body, "snapshot")) {
      throw new HttpError(400, "Cannot specify a snapshot when using a build info entry");
    }
    const sizes = { ...defaultResources, ...resources };
    const build = { buildInfo: describeBuild(dockerfile), image: { env: {} }, snapshot: undefined };
    return { wanted: { ...base, ...sizes, ...build }, snapshot: undefined };
  }
  if (Object.keys(resources).length > 0) {
    throw new HttpError(400, "Cannot specify Sandbox resources when using a snapshot");
  }
  const snapshot = snapshots.requireActive(optionalText(body, "snapshot")?.trim() || defaultSnapshot);
  const { cpu, memory, disk, image, name } = snapshot;
  return { wanted: { ...base, cpu, memory, disk, image, snapshot: name, buildInfo: undefined }, snapshot };
}

/** 0 means the default, as in the real server. */
export function readResources(body: Json): { cpu?: number; memory?: number; disk?: number } {
  const entries = (["cpu", "memory", "disk"] as const).map((name) => [
    name,
    optionalInteger(body, name, 0) || undefined,
  ]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

export function readDockerfile(body: Json): string | undefined {
  const { buildInfo } = body;
  if (buildInfo === undefined || buildInfo === null) return undefined;
  if (typeof buildInfo !== "object" || Array.isArray(buildInfo))
    throw new HttpError(400, "buildInfo must be an object");
  const { dockerfileContent, contextHashes } = buildInfo as Json;
  if (typeof dockerfileContent !== "string" || dockerfileContent.trim() === "") {
    throw new HttpError(400, "buildInfo.dockerfileContent is required and must be a string");
  }
  if (Buffer.byteLength(dockerfileContent) > maxDockerfileBytes) {
    throw new HttpError(400, `buildInfo.dockerfileContent is larger than ${maxDockerfileBytes} bytes`);
  }
  if (Array.isArray(contextHashes) && contextHashes.length > 0) {
    throw new HttpError(501, "buildInfo.contextHashes is not supported by this server");
  }
  return dockerfileContent;
}

type Intervals = Pick<NewSandbox, "autoStopInterval" | "autoArchiveInterval" | "autoDeleteInterval" | "autoDestroyAt">;

/** apps/api/src/sandbox/services/sandbox.service.ts, getValidatedOrDefaultRegion: before anything else. */
function readTarget(body: Json, { regions }: Rules): string {
  const [usual = "local"] = regions;
  const target = optionalText(body, "target")?.trim() || usual;
  if (!regions.includes(target)) throw new HttpError(404, "Region not found");
  return target;
}

function readIntervals(body: Json, { mode }: Rules): Intervals {
  return {
    autoStopInterval: optionalInteger(body, "autoStopInterval", 0) ?? autoStopMinutes,
    autoArchiveInterval: boundAutoArchive(optionalInteger(body, "autoArchiveInterval", 0) ?? autoArchiveMinutes),
    autoDeleteInterval: optionalInteger(body, "autoDeleteInterval", -1) ?? -1,
    // 0.190 does not know the field, and ignores it as every other (apps/api/src/main.ts, ValidationPipe).
    autoDestroyAt: mode === "0.190" ? undefined : findEnd(optionalInteger(body, "ttlMinutes", 0) ?? 0),
  };
}

export function boundAutoArchive(minutes: number): number {
  return minutes === 0 ? maxAutoArchiveMinutes : Math.min(minutes, maxAutoArchiveMinutes);
}

export function findEnd(minutes: number): string | undefined {
  if (minutes === 0) return undefined;
  const end = new Date(Date.now() + minutes * minuteMs);
  if (Number.isNaN(end.getTime())) throw new HttpError(400, "ttlMinutes is too large");
  return end.toISOString();
}

function checkName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(name)) {
    throw new HttpError(400, "name may hold letters, digits, dots, dashes and underscores only, 200 at most");
  }
  return name;
}

/** Stored and shown only: a sandbox of this server reaches no network in any case. */
export function readAllowLists(
  body: Json,
): { networkAllowList?: string; domainAllowList?: string } & Pick<NewSandbox, "networkAllowList" | "domainAllowList"> {
  const networkAllowList = optionalText(body, "networkAllowList");
  const networks = splitList(networkAllowList);
  if (networks.length > maxNetworks) {
    throw new HttpError(400, `Network allow list cannot contain more than ${maxNetworks} networks`);
  }
  const network = networks.find((item) => !isNetwork(item));
  if (network !== undefined) throw new HttpError(400, `Invalid network in networkAllowList: ${network.slice(0, 100)}`);
  const domainAllowList = optionalText(body, "domainAllowList");
  const domain = splitList(domainAllowList).find((item) => !/^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(item));
  if (domain !== undefined) throw new HttpError(400, `Invalid domain in domainAllowList: ${domain.slice(0, 100)}`);
  return { networkAllowList, domainAllowList };
}

function splitList(text: string | undefined): string[] {
  if (text === undefined || text.trim() === "") return [];
  if (text.length > maxListLength) throw new HttpError(400, "an allow list is too long");
  return text.split(",").map((item) => item.trim());
}

function isNetwork(text: string): boolean {
  const [, address = "", bits = ""] = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(text) ?? [];
  return address !== "" && address.split(".").every((part) => Number(part) <= 255) && Number(bits) <= 32;
}

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
