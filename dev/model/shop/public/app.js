// The shop page: draws what the catalogue and the cart hold, and says what happened.
const { art, shop } = window;
const chinese = document.documentElement.lang.startsWith("zh");
const texts = chinese
  ? {
      all: "全部",
      add: "加入购物车",
      added: (name) => `已加入：${name}`,
      remove: "移除",
      less: "减少",
      more: "增加",
      empty: "购物车还是空的。",
      browse: "去逛逛",
      subtotal: "小计",
      shipping: "运费",
      free: "免运费",
      total: "合计",
      toFree: (sum) => `再买 ${sum} 即可包邮`,
      isFree: "已享受包邮",
      name: "姓名",
      address: "收货地址",
      order: "提交订单（演示）",
      thanks: "谢谢惠顾！",
      placed: (id, sum) => `订单 ${id}，合计 ${sum}。这是演示，不会真的扣款或发货。`,
      go: "继续逛",
      failed: "出了点问题，请再试一次。",
    }
  : {
      all: "All",
      add: "Add",
      added: (name) => `${name} is in your cart`,
      remove: "Remove",
      less: "Less",
      more: "More",
      empty: "Your cart is empty.",
      browse: "Browse the shop",
      subtotal: "Subtotal",
      shipping: "Shipping",
      free: "Free",
      total: "Total",
      toFree: (sum) => `${sum} more for free shipping`,
      isFree: "Shipping is free",
      name: "Name",
      address: "Address",
      order: "Place order (demo)",
      thanks: "Thank you!",
      placed: (id, sum) => `Order ${id}, ${sum} in all. This is a demo: nothing is charged or shipped.`,
      go: "Keep browsing",
      failed: "Something went wrong, please try again.",
    };

const find = (selector) => document.querySelector(selector);
const drawer = find("[data-drawer]");
const cartBody = find("[data-cart]");

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function panel(product) {
  const made = element("div", { className: "panel", innerHTML: art[product.id] ?? "" });
  made.style.background = product.tint;
  return made;
}

async function openShop() {
  const catalogue = await shop.readCatalogue();
  const { products } = catalogue;
  const byId = new Map(products.map((product) => [product.id, product]));
  const format = new Intl.NumberFormat(catalogue.locale, { style: "currency", currency: catalogue.currency });
  const money = (cents) => format.format(cents / 100);
  const cart = await shop.openCart(catalogue);
  let current = await cart.view();
  let category = "";

  function drawProducts() {
    const chip = (id, name) => {
      const button = element("button", {
        type: "button",
        textContent: name,
        onclick: () => {
          category = id;
          drawProducts();
        },
      });
      button.setAttribute("aria-pressed", String(id === category));
      return button;
    };
    find("[data-chips]").replaceChildren(
      chip("", texts.all),
      ...catalogue.categories.map(({ id, name }) => chip(id, name)),
    );
    find("[data-grid]").replaceChildren(
      ...products.filter((product) => !category || product.category === category).map(drawProduct),
    );
  }

  function drawProduct(product) {
    const quantity = () => current.lines.find((line) => line.product_id === product.id)?.quantity ?? 0;
    const add = element("button", {
      className: "button",
      type: "button",
      textContent: texts.add,
      onclick: () => change(product, quantity() + 1, texts.added(product.name)),
    });
    add.setAttribute("aria-label", `${texts.add}: ${product.name}`);
    const buy = element(
      "div",
      { className: "buy" },
      element("span", { className: "price", textContent: money(product.price) }),
      add,
    );
    const about = element(
      "div",
      { className: "about" },
      element("h3", { textContent: product.name }),
      element("p", { textContent: product.text }),
      buy,
    );
    return element("li", { className: "product" }, panel(product), about);
  }

  function drawLine(line) {
    const product = byId.get(line.product_id);
    const step = (label, sign, quantity) => {
      const button = element("button", {
        type: "button",
        textContent: sign,
        disabled: quantity > 20,
        onclick: () => change(product, quantity),
      });
      button.setAttribute("aria-label", `${label}: ${line.name}`);
      return button;
    };
    return element(
      "div",
      { className: "line" },
      panel(product),
      element("strong", { textContent: line.name }),
      element("span", { className: "price", textContent: money(line.total) }),
      element(
        "div",
        { className: "stepper" },
        step(texts.less, "−", line.quantity - 1),
        element("span", { textContent: line.quantity }),
        step(texts.more, "+", line.quantity + 1),
      ),
      element("button", {
        className: "remove",
        type: "button",
        textContent: texts.remove,
        onclick: () => change(product, 0),
      }),
    );
  }

  function drawShipping() {
    const missing = catalogue.free_shipping_from - current.subtotal;
    const fill = element("i");
    fill.style.width = `${Math.min(100, (100 * current.subtotal) / catalogue.free_shipping_from)}%`;
    return element(
      "div",
      { className: "shipping" },
      missing > 0 ? texts.toFree(money(missing)) : texts.isFree,
      element("div", { className: "meter" }, fill),
    );
  }

  function drawSums() {
    const row = (name, sum, className = "") => [
      element("dt", { className, textContent: name }),
      element("dd", { className, textContent: sum }),
    ];
    return element(
      "dl",
      { className: "sums" },
      ...row(texts.subtotal, money(current.subtotal)),
      ...row(texts.shipping, current.shipping === 0 ? texts.free : money(current.shipping)),
      ...row(texts.total, money(current.total), "total"),
    );
  }

  function drawCheckout() {
    const field = (name, autocomplete) =>
      element("label", {}, texts[name], element("input", { name, autocomplete, required: true, maxLength: 300 }));
    const form = element(
      "form",
      { className: "checkout" },
      field("name", "name"),
      field("address", "street-address"),
      element("button", { className: "button", textContent: texts.order }),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      void placeOrder(Object.fromEntries(new FormData(form)));
    };
    return form;
  }

  function drawCart() {
    find("[data-count]").textContent = current.count;
    if (current.count > 0) {
      cartBody.replaceChildren(...current.lines.map(drawLine), drawShipping(), drawSums(), drawCheckout());
      return;
    }
    const back = element("button", {
      className: "button",
      type: "button",
      textContent: texts.browse,
      onclick: () => drawer.close(),
    });
    cartBody.replaceChildren(
      element("div", { className: "empty", innerHTML: art.mug }, element("p", { textContent: texts.empty }), back),
    );
  }

  async function change(product, quantity, said) {
    try {
      current = await cart.set(product, quantity);
      drawCart();
      if (said) say(said);
    } catch {
      say(texts.failed);
    }
  }

  async function placeOrder(customer) {
    try {
      const order = await cart.order(customer);
      current = await cart.view();
      drawCart();
      const back = element("button", {
        className: "button",
        type: "button",
        textContent: texts.go,
        onclick: () => {
          drawer.close();
          drawCart();
        },
      });
      cartBody.replaceChildren(
        element(
          "div",
          { className: "thanks", innerHTML: art.fern },
          element("h3", { textContent: texts.thanks }),
          element("p", { textContent: texts.placed(order.id, money(order.total)) }),
          back,
        ),
      );
    } catch {
      say(texts.failed);
    }
  }

  drawProducts();
  drawCart();
}

let toastTimer;
function say(text) {
  const toast = find("[data-toast]");
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.classList.remove("shown"), 2200);
}

find("[data-scene]").innerHTML = find("[data-scene]")
  .dataset.scene.split(" ")
  .map((id) => art[id])
  .join("");
find("[data-open-cart]").onclick = () => drawer.showModal();
find("[data-close-cart]").onclick = () => drawer.close();
drawer.onclick = (event) => {
  if (event.target === drawer) drawer.close();
};
openShop().catch(() => say(texts.failed));
