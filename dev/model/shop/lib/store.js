// Carts and orders: held in memory, written to one JSON file. A write goes to a new file that then takes the old
// one's name, so a crash leaves either the old state or the new one, never half of one.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

// A cart costs a few hundred bytes; past this many, the one unused for longest is forgotten.
const MAX_CARTS = 1000;
const MAX_PER_ITEM = 20;

export class ShopError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function openStore(productsFile, storeFile) {
  const catalogue = JSON.parse(await readFile(productsFile, "utf8"));
  const products = new Map(catalogue.products.map((product) => [product.id, product]));
  const saved = await readFile(storeFile, "utf8").then(JSON.parse, () => ({ carts: [], orders: [] }));
  const carts = new Map(saved.carts);
  const orders = new Map(saved.orders);
  let writing = Promise.resolve();

  function save() {
    writing = writing.then(async () => {
      await mkdir(dirname(storeFile), { recursive: true });
      await writeFile(`${storeFile}.new`, JSON.stringify({ carts: [...carts], orders: [...orders] }));
      await rename(`${storeFile}.new`, storeFile);
    });
    return writing;
  }

  function viewCart(cartId) {
    const lines = Object.entries(carts.get(cartId) ?? {}).map(([id, quantity]) => {
      const product = products.get(id);
      return { product_id: id, name: product.name, price: product.price, quantity, total: product.price * quantity };
    });
    const subtotal = lines.reduce((sum, line) => sum + line.total, 0);
    const shipping = subtotal === 0 || subtotal >= catalogue.free_shipping_from ? 0 : catalogue.shipping;
    const count = lines.reduce((sum, line) => sum + line.quantity, 0);
    return { id: cartId, lines, count, subtotal, shipping, total: subtotal + shipping };
  }

  async function setQuantity(cartId, productId, quantity) {
    if (!products.has(productId)) throw new ShopError(404, `no product "${productId}"`);
    if (!Number.isInteger(quantity) || quantity < 0 || quantity > MAX_PER_ITEM) {
      throw new ShopError(400, `quantity must be a whole number from 0 to ${MAX_PER_ITEM}`);
    }
    const items = { ...carts.get(cartId), [productId]: quantity };
    if (quantity === 0) delete items[productId];
    carts.delete(cartId);
    carts.set(cartId, items);
    if (carts.size > MAX_CARTS) carts.delete(carts.keys().next().value);
    await save();
    return viewCart(cartId);
  }

  async function placeOrder(cartId, customer) {
    const cart = viewCart(cartId);
    if (cart.count === 0) throw new ShopError(400, "the cart is empty");
    const name = typeof customer?.name === "string" ? customer.name.trim() : "";
    const address = typeof customer?.address === "string" ? customer.address.trim() : "";
    if (!name || !address) throw new ShopError(400, "name and address are needed");
    const order = {
      id: randomUUID().slice(0, 8).toUpperCase(),
      created_at: new Date().toISOString(),
      name: name.slice(0, 100),
      address: address.slice(0, 300),
      lines: cart.lines,
      total: cart.total,
    };
    orders.set(order.id, order);
    carts.delete(cartId);
    await save();
    return order;
  }

  function findOrder(orderId) {
    const order = orders.get(orderId);
    if (!order) throw new ShopError(404, `no order "${orderId}"`);
    return order;
  }

  return { catalogue, viewCart, setQuantity, placeOrder, findOrder };
}
