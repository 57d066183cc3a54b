// The shop's check: opens the shop on a free port with an empty store, uses it as a customer would, and counts what
// held. Exit code 0 means that everything passed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startShop } from "./server.js";

const folder = await mkdtemp(join(tmpdir(), "shop-check-"));
const server = await startShop({ port: 0, storeFile: join(folder, "store.json") });
const address = `http://127.0.0.1:${server.address().port}`;

async function call(method, path, body) {
  const response = await fetch(address + path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, text, value: isJson ? JSON.parse(text) : undefined };
}

const { products, free_shipping_from: freeFrom } = (await call("GET", "/api/products")).value;
const [first, second] = products;
const customer = { name: "Ada", address: "1 Test Street" };

const claims = {
  "the page is served": async () => (await call("GET", "/")).text.includes("<title>"),
  "style and scripts are served": async () => {
    const files = await Promise.all(
      ["/style.css", "/shop.css", "/art.js", "/cart.js", "/app.js"].map((path) => call("GET", path)),
    );
    return files.every((file) => file.status === 200 && file.text.length > 500);
  },
  "there are products, each with a name and a price": async () =>
    products.length >= 6 && products.every((product) => product.name && Number.isInteger(product.price)),
  "a new cart is empty": async () => (await call("GET", "/api/cart/a")).value.count === 0,
  "a product goes into the cart": async () => {
    const cart = (await call("PUT", `/api/cart/a/items/${first.id}`, { quantity: 2 })).value;
    return cart.count === 2 && cart.subtotal === 2 * first.price;
  },
  "the total is the sum of the lines and shipping": async () => {
    const cart = (await call("PUT", `/api/cart/a/items/${second.id}`, { quantity: 1 })).value;
    const subtotal = 2 * first.price + second.price;
    return cart.subtotal === subtotal && cart.total === subtotal + cart.shipping && cart.shipping >= 0;
  },
  "shipping is free from the promised sum on": async () => {
    const cart = (await call("PUT", `/api/cart/b/items/${first.id}`, { quantity: 20 })).value;
    return cart.subtotal < freeFrom || cart.shipping === 0;
  },
  "quantity 0 removes the line": async () =>
    (await call("PUT", `/api/cart/a/items/${second.id}`, { quantity: 0 })).value.lines.length === 1,
  "carts do not mix": async () => (await call("GET", "/api/cart/c")).value.count === 0,
  "a wrong quantity is refused": async () =>
    (await call("PUT", `/api/cart/a/items/${first.id}`, { quantity: -1 })).status === 400,
  "an unknown product is refused": async () =>
    (await call("PUT", "/api/cart/a/items/nothing", { quantity: 1 })).status === 404,
  "malformed JSON is refused": async () => (await call("POST", "/api/orders", "{")).status === 400,
  "an empty cart can't be ordered": async () =>
    (await call("POST", "/api/orders", { cart_id: "c", customer })).status === 400,
  "an order needs an address": async () =>
    (await call("POST", "/api/orders", { cart_id: "a", customer: { name: "Ada" } })).status === 400,
  "an order is placed, found again, and empties the cart": async () => {
    const placed = await call("POST", "/api/orders", { cart_id: "a", customer });
    const found = await call("GET", `/api/orders/${placed.value.id}`);
    const cart = (await call("GET", "/api/cart/a")).value;
    return placed.status === 201 && found.value.total === placed.value.total && cart.count === 0;
  },
  "files outside the public folder stay private": async () =>
    (await call("GET", "/..%2fdata%2fproducts.json")).status === 404,
};

let passed = 0;
let failed = 0;
for (const [claim, holds] of Object.entries(claims)) {
  const held = await holds().catch((error) => {
    console.error(error);
    return false;
  });
  console.log(`${held ? "ok  " : "FAIL"} ${claim}`);
  if (held) passed++;
  else failed++;
}
server.closeAllConnections?.();
server.close();
await rm(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
