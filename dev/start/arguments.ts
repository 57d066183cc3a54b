// The flags of `npm start`, and of `npm run dev`, which adds `--watch`.
import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface StartArguments {
  port: number;
  state: string;
  apiKeyFile: string | null;
  hostExecAllowed: boolean;
  /** Rebuilds and restarts when a source changes. */
  watched: boolean;
  inspectorPort: number | null;
}

export const usage = "npm start -- [--port 8787] [--state DIR] [--api-key-file FILE] [--allow-host-exec]";
export const devUsage = `${usage.replace("npm start", "npm run dev")} [--inspect PORT]`;

/** Throws an error with a message for people. */
export function readArguments(list: string[], root: string): StartArguments {
  const { values } = parseArgs({
    args: list,
    options: {
      port: { type: "string", default: "8787" },
      state: { type: "string", default: resolve(root, ".wrangler/state") },
      "api-key-file": { type: "string" },
      "allow-host-exec": { type: "boolean", default: false },
      watch: { type: "boolean", default: false },
      inspect: { type: "string" },
    },
  });
  const port = readPort("port", values.port);
  if (values.state === "") throw new Error("--state must name a folder");
  const apiKeyFile = values["api-key-file"] ?? null;
  const watched = values.watch;
  if (values.inspect !== undefined && !watched) {
    throw new Error("--inspect works only with npm run dev: anyone who can reach that port can read the Worker's keys");
  }
  const inspectorPort = values.inspect === undefined ? null : readPort("inspect", values.inspect);
  const hostExecAllowed = values["allow-host-exec"];
  return { port, state: resolve(values.state), apiKeyFile, hostExecAllowed, watched, inspectorPort };
}

function readPort(name: string, value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (port < 1 || port > 65_535) throw new Error(`--${name} must be a number from 1 to 65535`);
  return port;
}
