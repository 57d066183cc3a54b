// Options for Miniflare, wrangler's own simulator: the Worker with the data where `wrangler dev` stores it, and without
// wrangler's entry points for developers. Without `inspectorPort`, `unsafeLocalExplorer`, `unsafeTriggerHandlers` and a
// dev registry there is no inspector, no explorer, no address that fires events and no port that other instances call.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MiniflareOptions } from "miniflare";
import type { BuiltWorker } from "./build.ts";
import { PUBLIC_ENTRYPOINT } from "./entrypoints.ts";
import { convertV4MiniflareOptions, Log, LogLevel } from "./miniflare.ts";
import { describePublicNetwork } from "./public-network.ts";

export interface RuntimeSettings {
  root: string;
  worker: BuiltWorker;
  /** wrangler's `--persist-to`. */
  data: string;
  /** 0 chooses any. */
  port: number;
  /** The Worker's vars and secrets. */
  settings: Record<string, string>;
  /** For developers only: anyone who can reach this port can read the Worker's memory. */
  inspectorPort: number | null;
}

/**
 * Miniflare's own socket rejects a request with a wrong secret. A request without one reaches the default export, which
 * rejects every request (entrypoints.ts).
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
        serviceBindings: { ...options.serviceBindings, PUBLIC_NETWORK: describePublicNetwork() },
        unsafeDirectSockets: [{ host: "127.0.0.1", port, entrypoint: PUBLIC_ENTRYPOINT }],
      },
    ],
    host: "127.0.0.1",
    port: 0,
    unsafeProxySharedSecret: randomBytes(secretBytes).toString("hex"),
    resourcePersistencePath: join(data, "v3"),
    // Disables Miniflare's requests to Cloudflare.
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.WARN),
    handleStructuredLogs: ({ message }) => onLog(message),
    ...(inspectorPort === null ? {} : { inspectorPort }),
  });
}
