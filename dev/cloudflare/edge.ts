// What serves a Worker's address: the version that is deployed runs in workerd, with the bindings that the account has.
// A new version takes over at the next request, on the same data, as on Cloudflare.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { MiniflareOptions, Miniflare as Runtime } from "miniflare";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "../start/miniflare.ts";
import { type Account, activeVersion, type Binding, findScript, type Script, type Version } from "./account.ts";
import { ApiError } from "./api-error.ts";
import type { StartCheck } from "./scripts.ts";

export interface Edge {
  /** Where the Worker answers. */
  url: string;
  /** Runs its cron. */
  fireCron(): Promise<void>;
  close(): Promise<void>;
}

/** Throws what workerd says of a version that does not start: an error in its code, or a flag that it does not know. */
export const checkStart: StartCheck = async (account, name, version) => {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-check-"));
  const runtime = new Miniflare(await describe(account, { name } as Script, version, folder));
  try {
    await runtime.ready;
  } catch (error) {
    const { message } = error as Error;
    throw new ApiError(400, 10_021, /"message":"([^"]*)"/.exec(message)?.[1] ?? message.slice(0, 1_000));
  } finally {
    await runtime.dispose().catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }
};

export async function startEdge(account: Account, name: string, port = 0): Promise<Edge> {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-edge-"));
  let running: { version: Version; runtime: Runtime; url: URL } | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  /** How many changes of each database have come. */
  const followed = new Map<string, number>();
  const open = async (): Promise<{ runtime: Runtime; url: URL }> => {
    const script = findScript(account, name);
    const version = activeVersion(script);
    if (version === undefined) throw new ApiError(404, 10_007, "nothing is deployed");
    if (running?.version !== version) {
      await running?.runtime.dispose();
      running = null;
      const runtime = new Miniflare(await describe(account, script, version, folder));
      const url = await runtime.ready;
      running = { version, runtime, url };
    }
    await followChanges(account, version, running.runtime, name, followed);
    return running;
  };
  const ready = (): Promise<{ runtime: Runtime; url: URL }> => {
    const next = turn.then(open, open);
    turn = next;
    return next;
  };
  const server = http.createServer((request, response) => {
    const forward = async (): Promise<void> => {
      const { url } = await ready();
      // The Worker sees the address that was asked for.
      const { host: _, ...headers } = request.headers;
      const asked = `http://${request.headers.host}${request.url}`;
      const target = { host: url.hostname, port: url.port, path: request.url, method: request.method };
      const inner = http.request(
        { ...target, headers: { ...headers, host: url.host, "MF-Original-URL": asked } },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      inner.once("error", () => response.destroy());
      response.once("close", () => inner.destroy());
      request.pipe(inner);
    };
    forward().catch((error: unknown) => response.writeHead(404).end(String(error)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fireCron: async () => {
      const { runtime } = await ready();
      await (await runtime.getWorker(name)).scheduled({ cron: "* * * * *", scheduledTime: new Date() });
    },
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await running?.runtime.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Brings what has changed the account's database, such as migrations, to the one that the Worker uses. */
async function followChanges(
  account: Account,
  version: Version,
  runtime: Runtime,
  name: string,
  followed: Map<string, number>,
): Promise<void> {
  for (const { name: binding, id } of ofType(version, "d1")) {
    const source = account.databases.find(({ uuid }) => uuid === id);
    const changes = source?.changes.slice(followed.get(source.uuid) ?? 0) ?? [];
    if (source === undefined || changes.length === 0) continue;
    const target = (await runtime.getD1Database(binding, name)) as unknown as D1Database;
    await target.batch(changes.map((statement) => target.prepare(statement)));
    followed.set(source.uuid, (followed.get(source.uuid) ?? 0) + changes.length);
  }
}

async function describe(account: Account, script: Script, version: Version, folder: string): Promise<MiniflareOptions> {
  const main = version.modules.get(version.main_module);
  const consumers = account.queues.flatMap(({ queue_name, consumers: [consumer] }) =>
    consumer?.script === script.name ? [[queue_name, consumer] as const] : [],
  );
  return convertV4MiniflareOptions({
    workers: [
      {
        name: script.name,
        modules: [{ type: "ESModule", path: version.main_module, contents: main?.content.toString("utf8") ?? "" }],
        compatibilityDate: version.compatibility_date,
        compatibilityFlags: version.compatibility_flags,
        bindings: Object.fromEntries(
          [...ofType(version, "plain_text"), ...ofType(version, "secret_text")].map(({ name, text }) => [
            name,
            String(text),
          ]),
        ),
        d1Databases: Object.fromEntries(ofType(version, "d1").map(({ name, id }) => [name, { id: String(id) }])),
        durableObjects: Object.fromEntries(
          ofType(version, "durable_object_namespace").map(({ name, class_name }) => [
            name,
            { className: String(class_name), useSQLite: script.classes?.get(String(class_name)) ?? true },
          ]),
        ),
        queueProducers: Object.fromEntries(
          ofType(version, "queue").map(({ name, queue_name }) => [name, { queueName: String(queue_name) }]),
        ),
        queueConsumers: Object.fromEntries(
          consumers.map(([queue, { settings, dead_letter_queue: deadLetterQueue }]) => [
            queue,
            {
              maxBatchSize: settings.batch_size,
              maxBatchTimeout: (settings.max_wait_time_ms ?? 5_000) / 1000,
              maxRetries: settings.max_retries,
              deadLetterQueue,
            },
          ]),
        ),
        ratelimits: Object.fromEntries(
          ofType(version, "ratelimit").map(({ name, type, namespace_id, simple }) => [
            name,
            { name, type, namespace_id, simple } as never,
          ]),
        ),
        ...nameVersion(version),
        ...(await placeAssets(version, join(folder, `assets-${version.number}`))),
      },
    ],
    host: "127.0.0.1",
    port: 0,
    resourcePersistencePath: join(folder, "v3"),
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: () => {},
  });
}

function nameVersion(version: Version): { versionMetadata?: string } {
  const [binding] = ofType(version, "version_metadata");
  return binding === undefined ? {} : { versionMetadata: binding.name };
}

async function placeAssets({ assets, bindings }: Version, directory: string): Promise<object> {
  const binding = bindings.find(({ type }) => type === "assets")?.name;
  if (assets === null) return {};
  const { _headers, _redirects, run_worker_first: first, ...config } = assets.config;
  const own = Object.entries({ _headers, _redirects }).filter(([, text]) => typeof text === "string") as [
    string,
    string,
  ][];
  for (const [path, content] of [...assets.files, ...own]) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  const routerConfig = { has_user_worker: true, invoke_user_worker_ahead_of_assets: first === true };
  const rules = Array.isArray(first) ? { run_worker_first: first } : {};
  return { assets: { directory, binding, routerConfig, assetConfig: config, ...rules } };
}

function ofType({ bindings }: Version, type: string): Binding[] {
  return bindings.filter((binding) => binding.type === type);
}
