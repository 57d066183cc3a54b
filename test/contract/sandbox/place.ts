/**
 * Where the contract of a Daytona runs, and what its parts share. The parts use the SDK and the published interface,
 * never one implementation: differences between versions are accepted both ways, with a note on why.
 */
import { randomUUID } from "node:crypto";
import type { CreateSandboxFromImageParams, CreateSandboxFromSnapshotParams, Daytona, Sandbox } from "@daytonaio/sdk";
import { DaytonaError } from "@daytonaio/sdk";
import { expect } from "vitest";
import type { Mode } from "../../../dev/daytona/rules.ts";

/** `double`: the server of `dev/daytona`. `daytona`: a real one. `toolbox`: a daemon alone, without control plane. */
export type PlaceKind = "double" | "daytona" | "toolbox";

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface Place {
  kind: PlaceKind;
  /** As which Daytona the double answers. */
  mode?: Mode;
  /** Absent where there is only a toolbox. */
  client?: Daytona;
  apiUrl?: string;
  apiKey: string;
  /** Another client of the same Daytona, with an invalid key. */
  stranger?: Daytona;
  /** The sandbox that all parts share; no part leaves it stopped or changed for the next. */
  sandbox: Sandbox;
  /** The label of every sandbox of this run. The SDK writes into the labels that it is given, so copy them. */
  labels: Record<string, string>;
  /** The names of the snapshots that were requested. */
  snapshots: string[];
  /** Requests a preview's address, as a browser would. */
  visit(url: string, headers?: Record<string, string>): Promise<Answer>;
  /** Deletes everything that the run created, whatever failed before. */
  close(): Promise<void>;
}

export let place: Place;
export let sandbox: Sandbox;

export function enter(opened: Place): void {
  place = opened;
  sandbox = opened.sandbox;
}

/** Only for parts that do not run on a toolbox alone. */
export function daytona(): Daytona {
  if (place.client === undefined) throw new Error("there is no control plane here");
  return place.client;
}

export function makeName(prefix = "contract"): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

/** If the run is killed, Daytona itself stops and deletes what it created. 0.190 ignores the time to live. */
export const ownEnd = { autoStopInterval: 15, autoDeleteInterval: 30, ttlMinutes: 120 };

export function createSandbox(parameters: CreateSandboxFromSnapshotParams = {}): Promise<Sandbox> {
  const end = parameters.ephemeral ? {} : ownEnd;
  return daytona().create({ ...end, ...parameters, labels: { ...parameters.labels, ...place.labels } });
}

export function createFromImage(
  parameters: CreateSandboxFromImageParams,
  onSnapshotCreateLogs?: (chunk: string) => void,
): Promise<Sandbox> {
  const labels = { ...parameters.labels, ...place.labels };
  const end = parameters.ephemeral ? {} : ownEnd;
  return daytona().create({ ...end, ...parameters, labels }, { timeout: 300, onSnapshotCreateLogs });
}

export function makeSnapshotName(): string {
  const name = makeName("contract-snapshot");
  place.snapshots.push(name);
  return name;
}

/** Runs a command of a test's preparation; a failure is reported with its output. */
export async function run(command: string): Promise<string> {
  const { exitCode, result } = await sandbox.process.executeCommand(command);
  expect(exitCode, result).toBe(0);
  return result;
}

export async function failureOf(promise: Promise<unknown>): Promise<DaytonaError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DaytonaError);
  return error as DaytonaError;
}

export async function statusOf(promise: Promise<unknown>): Promise<number | undefined> {
  return (await failureOf(promise)).statusCode;
}

/** A request to the shared sandbox's toolbox, for the parts of a response that the SDK hides. */
export function askToolbox(path: string, init: RequestInit = {}): Promise<Response> {
  const base = `${sandbox.toolboxProxyUrl.replace(/\/+$/, "")}/${sandbox.id}`;
  return ask(base + path, init);
}

export function askApi(path: string, init: RequestInit = {}): Promise<Response> {
  return ask(`${place.apiUrl}${path}`, init);
}

function ask(url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${place.apiKey}`);
  headers.set("x-daytona-source", "sdk-typescript");
  headers.set("x-daytona-sdk-version", "0.218.0");
  return fetch(url, { ...init, headers });
}

/**
 * The last open-source daemon, 0.190, has no PTY that the SDK's Node client can open, no `/env`, no `/system/metrics`,
 * no signed uploads and half of the git routes. Tests of those are skipped there.
 */
export async function skipOnOldDaemon(skip: (condition: boolean, note: string) => void): Promise<void> {
  if (place.kind === "double") return;
  const response = await askToolbox("/version");
  const { version = "" } = (await response.json()) as { version?: string };
  const [, major = "", minor = ""] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  skip(major === "0" && Number(minor) < 200, `daemon ${version}`);
}

/**
 * Skips what the control plane has no route for: an older version, or a feature that is off. NestJS answers such a path
 * with "Cannot GET …", a thing that does not exist with another 404.
 */
export async function skipWithoutRoute(
  skip: (condition: boolean, note: string) => void,
  method: string,
  path: string,
): Promise<void> {
  const response = await askApi(path, { method });
  const { message = "" } = (await response.json().catch(() => ({}))) as { message?: string };
  skip(
    response.status === 404 && String(message).startsWith("Cannot "),
    `no ${method} ${path.replace(sandbox.id, "{id}")}`,
  );
}

/**
 * Sends input to a command that has just begun. 0.190 answers 500 until the command has opened its pipe
 * (apps/daemon/pkg/session/input.go).
 */
export async function sendInput(session: string, command: string, text: string): Promise<void> {
  await eventually(async () => {
    const error = await sandbox.process.sendSessionCommandInput(session, command, text).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error === null) return true;
    if (error instanceof DaytonaError && error.statusCode === 500 && /input pipe/.test(error.message)) return false;
    throw error;
  });
}

/** Polls for what no event announces. The test's own time limit ends it. */
export async function eventually<T>(look: () => Promise<T | undefined | false>, every_ms = 50): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    await new Promise((resolve) => setTimeout(resolve, every_ms));
  }
}

/** A name for this machine, whatever its resolver knows: many know `localhost` only. */
export function isBelowLocalhost(url: string): boolean {
  return new URL(url).hostname.endsWith(".localhost");
}

/** A process that touches a file as long as it lives, so that a test can see it dead. */
export function beat(file: string): string {
  return `while :; do touch ${file}; sleep 0.05; done`;
}

/** Waits until nothing touches the file any more. */
export async function awaitSilence(file: string): Promise<void> {
  const look = `before=$(stat -c %y ${file}); sleep 0.3; [ "$before" = "$(stat -c %y ${file})" ]`;
  await eventually(async () => (await sandbox.process.executeCommand(look)).exitCode === 0);
}

/** A new folder of its own below the work dir. */
export async function makeFolder(): Promise<string> {
  const name = makeName("folder");
  await sandbox.fs.createFolder(name, "755");
  return name;
}
