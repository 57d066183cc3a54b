// `npm start` as a process of its own, for tests of the whole.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { isPortFree } from "../../dev/start/port.ts";
import { findTables } from "./tables.ts";

export const root = join(import.meta.dirname, "../..");

/**
 * Where `npm start` keeps what Node has compiled of the programs that it starts: programs that tests start would each
 * spend up to half a second on it.
 */
export const compiled = { NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node") };

export interface StartedServer {
  child: ChildProcess;
  port: number;
  url: string;
  /** What it printed until it was ready, by line. */
  lines: string[];
  /** The address that signs in. */
  address: string;
  key: string;
  /** Ends it like Ctrl-C; resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A developer's settings must not reach a test: empty means unset, even over .dev.vars. */
export const noSettings = {
  OPENAI_API_KEY: "",
  OPENAI_BASE_URL: "",
  OPENAI_MODEL: "",
  OPENAI_MODELS: "",
  MODELS_ALLOWED: "",
  MAX_STEPS: "",
  ALWAYS_APPROVE: "",
  MODEL_SERVERS: "",
  MODEL_PROFILE: "",
  MODEL_API: "",
  MODEL_HEADERS: "",
  MODEL_EXTRA_BODY: "",
  MODEL_PRICES: "",
  MODEL_FIRST_BYTE_SECONDS: "",
  MODEL_IDLE_SECONDS: "",
  DAYTONA_API_KEY: "",
  DAYTONA_API_URL: "",
  ADMIN_API_KEY: "",
  CORS_ORIGINS: "",
  PREVIEW_DOMAIN: "",
  TAVILY_API_KEY: "",
  BRAVE_API_KEY: "",
  EXA_API_KEY: "",
  SERPER_API_KEY: "",
  BOCHA_API_KEY: "",
  SEARXNG_URL: "",
  SEARCH_MODEL: "",
  SEARCH_ORDER: "",
  WEB_PRIVATE_ORIGINS: "",
  WEB_DOMAINS_ALLOW: "",
  WEB_DOMAINS_DENY: "",
  FETCH_URL: "",
  OIDC_ISSUER: "",
  OIDC_CLIENT_ID: "",
  OTEL_EXPORTER_OTLP_ENDPOINT: "",
};

export interface StatePlace {
  state: string;
  removeState(): Promise<void>;
}

/** An empty folder, as a first start finds it. */
async function makeEmptyState(): Promise<StatePlace> {
  const state = await mkdtemp(join(tmpdir(), "taskloom-start-"));
  return { state, removeState: () => rm(state, { recursive: true, force: true }) };
}

/**
 * With the database's tables in it: creating them takes longer than the rest of a start. The key that signs in is
 * ADMIN_API_KEY, so that a test may make users with it.
 */
export async function makeState(): Promise<StatePlace> {
  const [place, tables] = await Promise.all([makeEmptyState(), findTables()]);
  await cp(tables, place.state, { recursive: true });
  await mkdir(join(place.state, "start"), { recursive: true });
  const key = `tl_${randomUUID()}`;
  for (const name of ["admin-key", "key"]) await writeFile(join(place.state, "start", name), key);
  return place;
}

/** The next start makes a key of the first user. */
export async function askForUserKey(state: string): Promise<void> {
  await rm(join(state, "start/key"));
}

/** Outside the ephemeral port range, since another process soon gets one of those. */
const firstPort = 20_000;
const ports = 12_000;

/** Where the processes of tests note which ports they have found. */
const found = join(tmpdir(), "taskloom-test-ports");
/** A server that is to listen there does so by then. */
const FOUND_MS = 600_000;

/** No other process finds it meanwhile: between a look and a start a port is free to everybody. */
export async function findFreePort(): Promise<number> {
  await mkdir(found, { recursive: true });
  for (;;) {
    const port = firstPort + randomInt(ports);
    if ((await noteFound(port)) && (await isPortFree(port))) return port;
  }
}

async function noteFound(port: number): Promise<boolean> {
  const note = join(found, String(port));
  const isNoted = await writeFile(note, "", { flag: "wx" }).then(
    () => true,
    () => false,
  );
  if (isNoted) return true;
  const { mtimeMs = Date.now() } = (await stat(note).catch(() => null)) ?? {};
  if (Date.now() - mtimeMs > FOUND_MS) await rm(note, { force: true });
  return false;
}

export interface ProgramRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program of dev/ to its end. */
export function runProgram(file: string, args: string[], variables: Record<string, string> = {}): Promise<ProgramRun> {
  const child = spawn(process.execPath, [join(root, file), ...args], {
    cwd: root,
    env: { ...process.env, ...noSettings, ...compiled, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

export async function startServer(state: string, variables: Record<string, string> = {}): Promise<StartedServer> {
  const port = await findFreePort();
  const child = spawn(process.execPath, [join(root, "dev/start.ts"), "--port", String(port), "--state", state], {
    cwd: root,
    env: { ...process.env, ...noSettings, ...compiled, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const lines: string[] = [];
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      if (line.startsWith("ready on ")) resolve();
    });
    void ended.then((code) => reject(new Error(`ended with ${code}: ${[...lines, ...errors].join("\n")}`)));
  });
  const address = /http\S+#key=\S+/.exec(lines.join("\n"))?.[0] ?? "";
  const stop = (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  const key = decodeURIComponent(address.split("#key=")[1] ?? "");
  return { child, port, url: `http://127.0.0.1:${port}`, lines, address, key, stop };
}

/** The command lines that name this state or this port: processes that a start has left behind. */
export async function listProcesses(state: string, port: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-ww", "-o", "args="], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split("\n").filter((line) => line.includes(state) || line.includes(`127.0.0.1:${port}`));
}
