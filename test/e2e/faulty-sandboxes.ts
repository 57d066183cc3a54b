// `npm start` beside a Daytona-compatible server that fails on demand. Here the Worker uses the network itself, so a
// reset, a refusal or a missing answer reaches it as in production. Sandboxes outlive the server, as they do there.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Daytona, Sandbox } from "@daytonaio/sdk";
import type { Fault, FaultAnswer } from "../../dev/daytona/faults.ts";
import { type DaytonaServer, startDaytona } from "../../dev/daytona/server.ts";
import { cutEnvironment } from "../../dev/model/environment.ts";
import { startModel } from "../../dev/model/server.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import { rowsOfType } from "../fakes/message-rows.ts";
import { slowestDuring } from "../setup/busy.ts";
import { makeState, startServer } from "../setup/started-server.ts";
import { apiKey, connectClient } from "./daytona-fixture.ts";

export interface FaultySandboxes {
  client: Daytona;
  faults: Fault[];
  /** The server's address; it changes when the server is started again. */
  access(): { url: string; key: string };
  json<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Runs to the end. */
  ask(thread: string, message: string): Promise<Run>;
  /** A run that continues; returns its id. */
  begin(thread: string, message: string): Promise<string>;
  /** `slowest`: of trivial requests meanwhile, in ms. */
  cancel(thread: string, run: string): Promise<{ run: Run; ms: number; slowest: number }>;
  /** The tool results that the model received, without the environment. */
  results(thread: string): Promise<string[]>;
  sandboxOf(thread: string): Promise<Sandbox>;
  /** A thread whose sandbox runs. */
  prepare(thread: string): Promise<Sandbox>;
  restartServer(): Promise<void>;
  /** Daytona is down until `act` has ended; its sandboxes are stopped then, and return at the same address. */
  withoutDaytona(act: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export async function startFaultySandboxes(): Promise<FaultySandboxes> {
  const sandboxes = await mkdtemp(join(tmpdir(), "taskloom-faulty-"));
  const { state, removeState } = await makeState();
  const faults: Fault[] = [];
  const model = await startModel({ port: 0, tokensPerSecond: 0 });
  const options = { state: sandboxes, apiKey, faults, resizes: true };
  let daytona: DaytonaServer = await startDaytona({ port: 0, ...options });
  const start = () =>
    startServer(state, {
      OPENAI_API_KEY: "model-key",
      OPENAI_BASE_URL: model.baseUrl,
      DAYTONA_API_URL: daytona.apiUrl,
      DAYTONA_API_KEY: apiKey,
    });
  let server = await start();
  const client = connectClient(daytona);
  const json: FaultySandboxes["json"] = async (method, path, body) => {
    const response = await fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    if (text.includes(apiKey)) throw new Error(`the key is in the answer to ${method} ${path}`);
    return JSON.parse(text) as never;
  };
  const ask = (thread: string, message: string) => json<Run>("POST", `/v1/threads/${thread}/runs?wait=1`, { message });
  const sandboxOf = async (thread: string) => {
    const { project_id } = await json<{ project_id: string }>("GET", `/v1/threads/${thread}`);
    for await (const sandbox of client.list({ labels: { project_id } })) return client.get(sandbox.id);
    throw new Error(`${thread} has no sandbox`);
  };
  return {
    client,
    faults,
    access: () => ({ url: server.url, key: server.key }),
    json,
    ask,
    sandboxOf,
    begin: async (thread, message) =>
      (await json<Run>("POST", `/v1/threads/${thread}/runs`, { message })).invocation_id,
    cancel: async (thread, run) => {
      const begun = performance.now();
      const ending = json<Run>("POST", `/v1/threads/${thread}/runs/${run}/cancel`);
      const took = ending.then(() => performance.now() - begun);
      const slowest = await slowestDuring(ending, () => fetch(`${server.url}/healthz`));
      return { run: await ending, ms: await took, slowest };
    },
    results: async (thread) => {
      const path = `/v1/threads/${thread}/messages?limit=200&type=tool`;
      const { data } = await json<{ data: MessageRow[] }>("GET", path);
      return rowsOfType(data, "tool").map(({ content }) => cutEnvironment("tool", content.content));
    },
    prepare: async (thread) => {
      const run = await ask(thread, '[[tool execute_command {"command":"echo ready"}]]');
      if (run.status !== "completed") throw new Error(`${thread}: ${JSON.stringify(run.error)}`);
      return sandboxOf(thread);
    },
    restartServer: async () => {
      await server.stop();
      server = await start();
    },
    withoutDaytona: async (act) => {
      const { port } = daytona;
      await daytona.close();
      await act();
      daytona = await startDaytona({ port, ...options });
    },
    close: async () => {
      await server.stop();
      await daytona.close();
      await model.close();
      await Promise.all([removeState(), rm(sandboxes, { recursive: true, force: true })]);
    },
  };
}

/** A fault of the connection to this sandbox, or of the part of it that `path` names. */
export function ofSandbox({ id }: Sandbox, answer: FaultAnswer, more: Partial<Fault> & { path?: string } = {}): Fault {
  const { path = "*", ...rest } = more;
  return { request: `* /toolbox/${id}/${path}`, answer, ...rest };
}

/** The same for what Daytona's API reports about it. */
export function ofRecord({ id, name }: Sandbox, answer: FaultAnswer, more: Partial<Fault> = {}): Fault[] {
  return [id, name].map((key) => ({ request: `* /api/sandbox/${key}`, answer, ...more }));
}

/** A command that appends a line each time it runs. */
export const counted = '[[tool execute_command {"command":"echo line >> count.txt; echo counted"}]]';

export async function readCount(sandbox: Sandbox): Promise<string> {
  return (await sandbox.process.executeCommand("cat count.txt")).result;
}
