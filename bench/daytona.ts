// The Daytona-compatible server of `dev/` as a process of the bench, for measuring the cost of sandboxes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDaytona } from "../dev/daytona/server.ts";

const [apiKey = ""] = process.argv.slice(2);
const state = await mkdtemp(join(tmpdir(), "taskloom-bench-daytona-"));
const server = await startDaytona({ port: 0, state, apiKey });
process.on("disconnect", async () => {
  await server.close();
  await rm(state, { recursive: true, force: true });
  process.exit();
});
process.send?.({ api_url: server.apiUrl, isolation: server.isolation });
