// Elements without markup: whatever a model writes is text.
type Attributes = Record<string, string | boolean | ((event: Event) => void)>;

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A link that gives the page it opens no way back. Only for addresses of the web; anything else stays text. */
export function link(address: string, text: string): Node {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) return document.createTextNode(text);
  return element("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, text);
}
