/**
 * `npm run daytona -- --port N --state DIR [--allow-host-exec] [--real-model] [--api-key-file FILE]
 * [--allow-private-urls] [--linger MS] [--mode 0.190|0.218] [--resize]`: the server alone. `--linger` keeps sandboxes in each transitional state for that long, as a busy
 * Daytona does.
 */
import { parseArgs } from "node:util";
import { outliveReader } from "../reader.ts";
import { hideArguments, readSecretFile } from "../secrets.ts";
import { type Mode, modes } from "./rules.ts";
import { startDaytona } from "./server.ts";

/** Clients give up after some minutes. */
const maxLingerMs = 600_000;

const usage =
  "usage: npm run daytona -- [--port 3986] [--state DIR] [--allow-host-exec] [--real-model] " +
  "[--api-key KEY | --api-key-file FILE] [--allow-private-urls] [--linger MS] [--mode 0.190|0.218] [--resize]";

async function readArguments(): Promise<{
  port: number;
  state: string;
  hostExecAllowed: boolean;
  realModel: boolean;
  privateUrlsAllowed: boolean;
  apiKey?: string;
  linger?: number;
  mode: Mode;
  resizes?: boolean;
}> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "3986" },
      state: { type: "string", default: ".wrangler/state/daytona" },
      "allow-host-exec": { type: "boolean", default: false },
      "real-model": { type: "boolean", default: false },
      "api-key": { type: "string" },
      "api-key-file": { type: "string" },
      "allow-private-urls": { type: "boolean", default: false },
      linger: { type: "string" },
      mode: { type: "string", default: "0.190" },
      resize: { type: "boolean" },
    },
  });
  const given = values["api-key"];
  const file = values["api-key-file"];
  if (given !== undefined) hideArguments("taskloom-daytona");
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error("--port must be a number from 0 to 65535");
  const linger = values.linger === undefined ? undefined : Number(values.linger);
  if (linger !== undefined && !(linger >= 0 && linger <= maxLingerMs)) {
    throw new Error(`--linger must be a number of milliseconds, ${maxLingerMs} at most`);
  }
  const mode = modes.find((name) => name === values.mode);
  if (mode === undefined) throw new Error(`--mode must be one of ${modes.join(", ")}`);
  return {
    port,
    state: values.state,
    hostExecAllowed: values["allow-host-exec"],
    realModel: values["real-model"],
    privateUrlsAllowed: values["allow-private-urls"],
    apiKey: given ?? (file === undefined ? undefined : await readSecretFile("--api-key-file", file)),
    linger,
    mode,
    resizes: values.resize,
  };
}

function fail(line: string): never {
  console.error(line);
  process.exit(1);
}

async function main(): Promise<void> {
  let options: Awaited<ReturnType<typeof readArguments>>;
  try {
    options = await readArguments();
  } catch (error) {
    fail(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
  const server = await startDaytona(options).catch((error: unknown) => {
    const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    return fail(taken ? `port ${options.port} is taken; choose another with --port` : String(error));
  });
  const stop = (): void => {
    void server.close().finally(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.once("SIGHUP", stop);
  console.log(
    server.isolation === "bubblewrap" ? "isolation: bubblewrap" : `isolation: none (${server.isolationReason})`,
  );
  if (server.refusal !== undefined) console.log(server.refusal);
  console.log(`ready on ${server.apiUrl}`);
}

outliveReader();
await main();
