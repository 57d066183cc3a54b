// The shop's server: static files and a small JSON API on Node's own http module, without any dependency.
//   GET  /api/products                     the catalogue
//   GET  /api/cart/:cart                   a cart with its totals
//   PUT  /api/cart/:cart/items/:product    {quantity}; 0 removes the line
//   POST /api/orders                       {cart_id, customer: {name, address}}
//   GET  /api/orders/:order                an order
import { readFile } from "node:fs/promises";
import http from "node:http";
import { dirname, extname, join, normalize, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore, ShopError } from "./lib/store.js";

const here = dirname(fileURLToPath(import.meta.url));
const publicFolder = join(here, "public");
const CACHE_SECONDS = 0;
// The largest honest body is an order with a name and an address.
const MAX_BODY_BYTES = 16 * 1024;
const types = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };

function sendJson(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}

async function readJson(request) {
  let size = 0;
  const chunks = [];
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new ShopError(413, "the request is too large");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new ShopError(400, "the body is not JSON");
  }
}

async function sendFile(response, path) {
  const file = resolve(publicFolder, `.${normalize(path === "/" ? "/index.html" : path)}`);
  if (!file.startsWith(publicFolder + sep)) throw new ShopError(404, "not found");
  const body = await readFile(file).catch(() => {
    throw new ShopError(404, "not found");
  });
  response.writeHead(200, {
    "content-type": `${types[extname(file)] ?? "application/octet-stream"}; charset=utf-8`,
    "content-length": body.length,
    "cache-control": CACHE_SECONDS > 0 ? `public, max-age=${CACHE_SECONDS}` : "no-cache",
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}

async function answerApi(store, request, response, parts) {
  const [room, id, items, product] = parts;
  const call = `${request.method} ${room}/${parts.length}`;
  if (call === "GET products/1") return sendJson(response, 200, store.catalogue);
  if (call === "GET cart/2") return sendJson(response, 200, store.viewCart(id));
  if (call === "PUT cart/4" && items === "items") {
    const body = await readJson(request);
    return sendJson(response, 200, await store.setQuantity(id, product, body?.quantity));
  }
  if (call === "POST orders/1") {
    const body = await readJson(request);
    return sendJson(response, 201, await store.placeOrder(body?.cart_id, body?.customer));
  }
  if (call === "GET orders/2") return sendJson(response, 200, store.findOrder(id));
  throw new ShopError(404, `no such call: ${request.method} /api/${parts.join("/")}`);
}

async function answer(store, request, response) {
  try {
    const path = decodeURIComponent(new URL(request.url, "http://shop").pathname);
    if (path.startsWith("/api/")) return await answerApi(store, request, response, path.slice(5).split("/"));
    if (request.method !== "GET") throw new ShopError(405, "only GET is served here");
    return await sendFile(response, path);
  } catch (error) {
    if (response.headersSent) return response.destroy();
    if (error instanceof ShopError) return sendJson(response, error.status, { error: error.message });
    if (error instanceof URIError) return sendJson(response, 400, { error: "the address is malformed" });
    console.error(error);
    return sendJson(response, 500, { error: "something went wrong here" });
  }
}

/** Port 0 takes a free one; resolves once the server listens. */
export async function startShop({ port, host = "127.0.0.1", storeFile = join(here, "data/store.json") }) {
  const store = await openStore(join(here, "data/products.json"), storeFile);
  const server = http.createServer((request, response) => void answer(store, request, response));
  await new Promise((ready, fail) => server.once("error", fail).listen(port, host, ready));
  return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.env.PORT ?? 3000);
  startShop({ port, host: process.env.HOST ?? "127.0.0.1" }).then(
    (server) => console.log(`shop is open on port ${server.address().port}`),
    (error) => {
      console.error(error.code === "EADDRINUSE" ? `port ${port} is already in use` : error);
      process.exit(1);
    },
  );
}
