// The cart in two versions with the same three calls. The server's version stores the cart and its totals. Where there
// is only a file server (no Node in the sandbox), the page uses its own version.
async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body ? { "content-type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  return response.json();
}

/** Remembered so that a reload keeps the cart; a frame without storage starts with a new one. */
function readCartId() {
  const made = `c${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`;
  try {
    const kept = localStorage.getItem("cart") ?? made;
    localStorage.setItem("cart", kept);
    return kept;
  } catch {
    return made;
  }
}

function serverCart(id) {
  return {
    view: () => call("GET", `api/cart/${id}`),
    set: (product, quantity) => call("PUT", `api/cart/${id}/items/${product.id}`, { quantity }),
    order: (customer) => call("POST", "api/orders", { cart_id: id, customer }),
  };
}

function pageCart(catalogue) {
  let lines = [];
  const view = () => {
    const subtotal = lines.reduce((sum, line) => sum + line.total, 0);
    const shipping = subtotal === 0 || subtotal >= catalogue.free_shipping_from ? 0 : catalogue.shipping;
    return {
      lines,
      count: lines.reduce((sum, line) => sum + line.quantity, 0),
      subtotal,
      shipping,
      total: subtotal + shipping,
    };
  };
  return {
    view: async () => view(),
    set: async ({ id, name, price }, quantity) => {
      const line = { product_id: id, name, price, quantity, total: price * quantity };
      const known = lines.some((other) => other.product_id === id);
      lines = (known ? lines.map((other) => (other.product_id === id ? line : other)) : [...lines, line]).filter(
        (other) => other.quantity > 0,
      );
      return view();
    },
    order: async () => {
      const { total } = view();
      lines = [];
      return { id: Date.now().toString(36).slice(-6).toUpperCase(), total };
    },
  };
}

async function openCart(catalogue) {
  const cart = serverCart(readCartId());
  return cart.view().then(
    () => cart,
    () => pageCart(catalogue),
  );
}

window.shop = { openCart, readCatalogue: () => call("GET", "api/products") };
