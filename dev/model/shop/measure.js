// How fast the shop answers: the middle and the slowest of 300 requests, one after another, after a short warm-up.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { startShop } from "./server.js";

const server = await startShop({ port: 0, storeFile: join(tmpdir(), `shop-measure-${process.pid}.json`) });
const address = `http://127.0.0.1:${server.address().port}`;

async function time(path, count) {
  const times = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await (await fetch(address + path)).arrayBuffer();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
}

await time("/api/products", 50);
for (const path of ["/", "/api/products"]) {
  const times = await time(path, 300);
  console.log(`${path}: median ${times[150].toFixed(2)} ms, slowest ${times[299].toFixed(2)} ms`);
}
console.log(`cache: ${(await fetch(`${address}/style.css`)).headers.get("cache-control")}`);
server.closeAllConnections?.();
server.close();
