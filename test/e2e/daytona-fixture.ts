/**
 * A Daytona-compatible server for one test file, and requests that the SDK can't make.
 */
import { randomInt } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Daytona, type PtyHandle, type Sandbox } from "@daytonaio/sdk";
import { type DaytonaOptions, type DaytonaServer, startDaytona } from "../../dev/daytona/server.ts";

export interface Fixture {
  server: DaytonaServer;
  client: Daytona;
  state: string;
  /** Ends the server and removes its state. */
  dispose(): Promise<void>;
}

export const apiKey = "dtn_key-of-the-tests";

export function connectClient(server: Pick<DaytonaServer, "apiUrl">, key = apiKey): Daytona {
  return new Daytona({ apiKey: key, apiUrl: server.apiUrl, target: "local", useDeprecatedPolling: true });
}

export async function startFixture(options: Partial<DaytonaOptions> = {}): Promise<Fixture> {
  const state = await mkdtemp(join(tmpdir(), "taskloom-daytona-"));
  const server = await startDaytona({ port: 0, state, isolation: "bubblewrap", ...options });
  return {
    server,
    state,
    client: connectClient(server),
    dispose: async () => {
      await server.close();
      await rm(state, { recursive: true, force: true });
    },
  };
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/**
 * Requests an address of `*.localhost` as a browser does: at the loopback address, under that name. (Node uses the
 * system's resolver, which on many machines doesn't know such names.)
 */
export function visit(
  address: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  const url = new URL(address);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port: url.port,
        path: url.pathname + url.search,
        method: options.method ?? "GET",
        headers: { host: url.host, ...options.headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(options.body);
  });
}

/**
 * Writes raw bytes and returns what comes back until the end. With `waits`, it ends its own side only after the
 * response.
 */
export function sendRaw(port: number, bytes: string | Buffer, waits = false): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => (waits ? socket.write(bytes) : socket.end(bytes)));
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
}

/** Polls until the answer is true: for actions of other processes, which no event here announces. */
export async function eventually(ask: () => Promise<boolean>): Promise<void> {
  for (;;) {
    if (await ask()) return;
    await pause(20);
  }
}

/** The processes of this machine whose command line contains a marker. */
export async function findProcesses(marker: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (line.includes(marker)) found.push(Number(name));
  }
  return found;
}

/** Runs a command in a session of its own, without waiting for its end. */
export async function runInBackground(
  sandbox: Awaited<ReturnType<Daytona["create"]>>,
  session: string,
  command: string,
): Promise<string> {
  await sandbox.process.createSession(session);
  const { cmdId } = await sandbox.process.executeSessionCommand(session, { command, runAsync: true });
  return cmdId;
}

export async function awaitPort(sandbox: Awaited<ReturnType<Daytona["create"]>>, port: number): Promise<void> {
  await eventually(async () => {
    const { result } = await sandbox.process.executeCommand(`: </dev/tcp/127.0.0.1/${port} && echo open`);
    return result.includes("open");
  });
}

/**
 * A terminal and its connection, in two requests. The SDK's own way in Node is one, `create-connect`, which 0.190 does
 * not have.
 */
export async function openPty(
  sandbox: Sandbox,
  { onData, ...settings }: { id: string; onData: (data: Uint8Array) => void } & Record<string, unknown>,
): Promise<PtyHandle> {
  const response = await fetch(`${sandbox.toolboxProxyUrl}/${sandbox.id}/process/pty`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(settings),
  });
  const { message } = (await response.json()) as { message?: string };
  if (!response.ok) throw new Error(message);
  return sandbox.process.connectPty(settings.id, { onData });
}

/** A unique argument by which to find a process. */
export function marker(): string {
  return String(1_000_000 + randomInt(1_000_000));
}
