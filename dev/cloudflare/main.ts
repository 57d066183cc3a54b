// `npm run cloudflare -- --port N`: the stand-in account alone, with what is deployed to it.
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { outliveReader } from "../reader.ts";
import { checkStart, startEdge } from "./edge.ts";
import { startCloudflare } from "./server.ts";

const usage = "npm run cloudflare -- [--port 8804] [--worker taskloom]";

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: { port: { type: "string", default: "8804" }, worker: { type: "string", default: "taskloom" } },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_534) throw new Error("--port must be a number from 0 to 65534");
  const token = randomBytes(20).toString("hex");
  const cloudflare = await startCloudflare({ port, token, check: checkStart });
  const edge = await startEdge(cloudflare.account, values.worker, port === 0 ? 0 : port + 1);
  console.log("a stand-in for Cloudflare's API, in memory: what is deployed to it is gone when it stops");
  console.log(`export CLOUDFLARE_API_BASE_URL=${cloudflare.url} CLOUDFLARE_API_TOKEN=${token}`);
  console.log(`npm run deploy -- --url ${edge.url}`);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => void Promise.all([edge.close(), cloudflare.close()]).finally(() => process.exit(0)));
  }
}

outliveReader();
run().catch((error: NodeJS.ErrnoException) => {
  console.error(error.code === "EADDRINUSE" ? "the port is already in use; choose another with --port" : error.message);
  if (error.code?.startsWith("ERR_PARSE_ARGS")) console.error(usage);
  process.exitCode = 1;
});
