// `npm run search -- --port N`: the stand-in search alone.
import { parseArgs } from "node:util";
import { outliveReader } from "../reader.ts";
import { startSearch } from "./server.ts";

const usage = "npm run search -- [--port 8802]";

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: "string", default: "8802" } } });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error("--port must be a number from 0 to 65535");
  const search = await startSearch({ port });
  console.log(`a stand-in search on ${search.url} (sample pages, not the web)`);
  console.log(`SEARXNG_URL=${search.url}`);
  console.log(`WEB_PRIVATE_ORIGINS=${search.url}`);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => void search.close().finally(() => process.exit(0)));
  }
}

outliveReader();
run().catch((error: NodeJS.ErrnoException) => {
  console.error(error.code === "EADDRINUSE" ? "the port is already in use; choose another with --port" : error.message);
  if (error.code?.startsWith("ERR_PARSE_ARGS")) console.error(usage);
  process.exitCode = 1;
});
