// The flags of `npm start`.
import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface StartArguments {
  port: number;
  state: string;
  apiKey: string | null;
  hostExecAllowed: boolean;
}

export const usage = "npm start -- [--port 8787] [--state DIR] [--api-key KEY] [--allow-host-exec]";

/** Throws with a sentence for people. */
export function readArguments(list: string[], root: string): StartArguments {
  const { values } = parseArgs({
    args: list,
    options: {
      port: { type: "string", default: "8787" },
      state: { type: "string", default: resolve(root, ".wrangler/state") },
      "api-key": { type: "string" },
      "allow-host-exec": { type: "boolean", default: false },
    },
  });
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : 0;
  if (port < 1 || port > 65_535) throw new Error("--port must be a number from 1 to 65535");
  if (values.state === "") throw new Error("--state must name a folder");
  const apiKey = values["api-key"] ?? null;
  // It travels in a header and in an address.
  if (apiKey !== null && !/^[\x21-\x7e]{1,256}$/.test(apiKey)) {
    throw new Error("--api-key must be 1 to 256 visible ASCII characters without spaces");
  }
  return { port, state: resolve(values.state), apiKey, hostExecAllowed: values["allow-host-exec"] };
}
