// What Miniflare, wrangler's own simulator, is asked to run: the Worker with the data where `wrangler dev` keeps it, and with
// none of wrangler's doors for developers. Without `inspectorPort`, `unsafeLocalExplorer`, `unsafeTriggerHandlers` and a dev
// registry there is no inspector, no explorer, no address that fires events and no port that other instances call.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, type MiniflareOptions } from "miniflare";
import { type BuiltWorker, PUBLIC_ENTRYPOINT } from "./build.ts";

export interface RuntimeSettings {
  root: string;
  worker: BuiltWorker;
  /** `--persist-to` of wrangler. */
  data: string;
  /** 0 takes any. */
  port: number;
  /** The Worker's vars and secrets. */
  settings: Record<string, string>;
  /** For developers only: whoever reaches this port reads the memory of the Worker. */
  inspectorPort: number | null;
}

/**
 * Miniflare's own socket refuses a request with a wrong secret. One without a secret meets the default export, which answers
 * nobody (entrypoints.ts).
 */
const secretBytes = 32;

export function describeRuntime(run: RuntimeSettings, onLog: (line: string) => void): MiniflareOptions {
  const { root, worker, data, port, settings, inspectorPort } = run;
  const { script, options } = worker;
  return convertV4MiniflareOptions({
    workers: [
      {
        ...options,
        rootPath: root,
        modules: [{ type: "ESModule", path: "worker.js", contents: readFileSync(script, "utf8") }],
        bindings: { ...options.bindings, ...settings },
        unsafeDirectSockets: [{ host: "127.0.0.1", port, entrypoint: PUBLIC_ENTRYPOINT }],
      },
    ],
    host: "127.0.0.1",
    port: 0,
    unsafeProxySharedSecret: randomBytes(secretBytes).toString("hex"),
    resourcePersistencePath: join(data, "v3"),
    // Nothing is asked of Cloudflare.
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.WARN),
    handleStructuredLogs: ({ message }) => onLog(message),
    ...(inspectorPort === null ? {} : { inspectorPort }),
  });
}
