/**
 * The control plane: `/api/sandbox…`.
 */
import { randomBytes } from "node:crypto";
import {
  optionalFlag,
  optionalInteger,
  optionalText,
  optionalTextMap,
  readJson,
  sendEmpty,
  sendJson,
} from "./bodies.ts";
import type { ServerContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { type Exchange, integerParameter, parameter, query, Routes } from "./routes.ts";
import { describeSandbox, listSandboxes } from "./sandbox-views.ts";
import type { NewSandbox, Sandbox } from "./sandboxes.ts";

/** The defaults of the real server. */
const autoStopMinutes = 15;
const autoArchiveMinutes = 7 * 24 * 60;
const defaultPreviewSeconds = 60;
const maxPreviewSeconds = 86_400;
const maxSignedPreviews = 200;
const maxMinutes = 10_000_000;
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

type Context = ServerContext;

export const sandboxRoutes = new Routes<Context>({
  "GET /sandbox": (exchange, context) => sendJson(exchange.response, 200, listSandboxes(exchange, context)),
  "POST /sandbox": createSandbox,
  "GET /sandbox/{id}": (exchange, context) => sendSandbox(exchange, context, find(exchange, context)),
  "DELETE /sandbox/{id}": (exchange, context) => change(exchange, context, (box) => context.sandboxes.delete(box)),
  "POST /sandbox/{id}/start": (exchange, context) => change(exchange, context, (box) => context.sandboxes.start(box)),
  "POST /sandbox/{id}/stop": (exchange, context) => change(exchange, context, (box) => context.sandboxes.stop(box)),
  "POST /sandbox/{id}/archive": (exchange, context) =>
    change(exchange, context, (box) => context.sandboxes.archive(box)),
  "POST /sandbox/{id}/last-activity": touch,
  "PUT /sandbox/{id}/labels": replaceLabels,
  "POST /sandbox/{id}/autostop/{minutes}": (exchange, context) => setMinutes(exchange, context, "autoStopInterval"),
  "POST /sandbox/{id}/autopause/{minutes}": (exchange, context) => setMinutes(exchange, context, "autoPauseInterval"),
  "POST /sandbox/{id}/autoarchive/{minutes}": (exchange, context) =>
    setMinutes(exchange, context, "autoArchiveInterval"),
  "POST /sandbox/{id}/autodelete/{minutes}": (exchange, context) => setMinutes(exchange, context, "autoDeleteInterval"),
  "GET /sandbox/{id}/toolbox-proxy-url": (exchange, context) => {
    find(exchange, context);
    sendJson(exchange.response, 200, { url: `${context.origin()}/toolbox` });
  },
  "GET /sandbox/{id}/ports/{port}/preview-url": previewUrl,
  "GET /sandbox/{id}/ports/{port}/signed-preview-url": signedPreviewUrl,
  "POST /sandbox/{id}/ports/{port}/signed-preview-url/{token}/expire": expireSignedPreview,
  "GET /config": (exchange, context) =>
    sendJson(exchange.response, 200, { version: "0.218.0", proxyToolboxUrl: `${context.origin()}/toolbox` }),
});

function find(exchange: Exchange, context: Context): Sandbox {
  return context.sandboxes.require(parameter(exchange, "id"));
}

function sendSandbox(exchange: Exchange, context: Context, sandbox: Sandbox): void {
  const shown = describeSandbox(sandbox, context.origin());
  sendJson(exchange.response, 200, exchange.toldState === undefined ? shown : { ...shown, state: exchange.toldState });
}

async function change(exchange: Exchange, context: Context, act: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = find(exchange, context);
  await act(sandbox);
  sendSandbox(exchange, context, sandbox);
}

async function createSandbox(exchange: Exchange, context: Context): Promise<void> {
  const body = await readJson(exchange.request);
  if (body.volumes !== undefined && body.volumes !== null && (body.volumes as unknown[]).length > 0) {
    throw new HttpError(501, "volumes are not supported by this server");
  }
  const env = optionalTextMap(body, "env");
  const wrong = Object.keys(env).find((name) => !variableName.test(name));
  if (wrong !== undefined) throw new HttpError(400, `env holds an invalid name: ${wrong.slice(0, 100)}`);
  const wanted: NewSandbox = {
    name: checkName(optionalText(body, "name")),
    user: optionalText(body, "user") ?? "daytona",
    env,
    labels: optionalTextMap(body, "labels"),
    public: optionalFlag(body, "public"),
    networkBlockAll: optionalFlag(body, "networkBlockAll"),
    target: optionalText(body, "target") ?? "local",
    snapshot: optionalText(body, "snapshot"),
    cpu: optionalInteger(body, "cpu", 1) ?? 1,
    gpu: optionalInteger(body, "gpu", 0) ?? 0,
    memory: optionalInteger(body, "memory", 1) ?? 1,
    disk: optionalInteger(body, "disk", 1) ?? 3,
    autoStopInterval: optionalInteger(body, "autoStopInterval", 0) ?? autoStopMinutes,
    autoPauseInterval: optionalInteger(body, "autoPauseInterval", 0) ?? 0,
    autoArchiveInterval: optionalInteger(body, "autoArchiveInterval", 0) ?? autoArchiveMinutes,
    autoDeleteInterval: optionalInteger(body, "autoDeleteInterval", -1) ?? -1,
  };
  sendSandbox(exchange, context, await context.sandboxes.create(wanted));
}

function checkName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(name)) {
    throw new HttpError(400, "name may hold letters, digits, dots, dashes and underscores only, 200 at most");
  }
  return name;
}

function touch(exchange: Exchange, context: Context): void {
  context.sandboxes.touch(find(exchange, context));
  sendEmpty(exchange.response, 201);
}

async function replaceLabels(exchange: Exchange, context: Context): Promise<void> {
  const sandbox = find(exchange, context);
  const labels = optionalTextMap(await readJson(exchange.request), "labels");
  sandbox.record.labels = labels;
  await context.sandboxes.save(sandbox);
  sendJson(exchange.response, 200, { labels });
}

type Interval = "autoStopInterval" | "autoPauseInterval" | "autoArchiveInterval" | "autoDeleteInterval";

async function setMinutes(exchange: Exchange, context: Context, name: Interval): Promise<void> {
  const sandbox = find(exchange, context);
  const minimum = name === "autoDeleteInterval" ? -1 : 0;
  sandbox.record[name] = integerParameter(exchange.parameters.minutes, name, minimum, maxMinutes);
  await context.sandboxes.save(sandbox);
  sendSandbox(exchange, context, sandbox);
}

function readPort(exchange: Exchange): number {
  return integerParameter(exchange.parameters.port, "port", 1, 65_535);
}

function previewUrl(exchange: Exchange, context: Context): void {
  const { record } = find(exchange, context);
  const url = context.previewUrl(readPort(exchange), record.id);
  sendJson(exchange.response, 200, { sandboxId: record.id, url, token: record.authToken });
}

async function signedPreviewUrl(exchange: Exchange, context: Context): Promise<void> {
  const sandbox = find(exchange, context);
  const port = readPort(exchange);
  const wanted = query(exchange, "expiresInSeconds");
  const seconds =
    wanted === undefined ? defaultPreviewSeconds : integerParameter(wanted, "expiresInSeconds", 1, maxPreviewSeconds);
  const token = makeLabel();
  const now = Date.now();
  const { record } = sandbox;
  // An expired one is kept for a while: the browser that opened it in time still has its cookie.
  record.signedPreviews = record.signedPreviews
    .filter((preview) => preview.expiresAt + 3_600_000 > now)
    .slice(1 - maxSignedPreviews);
  record.signedPreviews.push({ token, port, expiresAt: now + seconds * 1000 });
  await context.sandboxes.save(sandbox);
  sendJson(exchange.response, 200, { sandboxId: record.id, port, token, url: context.previewUrl(port, token) });
}

/** A host name doesn't tell capitals from small letters: 130 bits in the letters of base 32. */
function makeLabel(): string {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  return Array.from(randomBytes(26), (byte) => letters.charAt(byte % letters.length)).join("");
}

async function expireSignedPreview(exchange: Exchange, context: Context): Promise<void> {
  const sandbox = find(exchange, context);
  const [port, token] = [readPort(exchange), parameter(exchange, "token")];
  const { record } = sandbox;
  record.signedPreviews = record.signedPreviews.filter((preview) => preview.token !== token || preview.port !== port);
  await context.sandboxes.save(sandbox);
  sendEmpty(exchange.response, 200);
}
