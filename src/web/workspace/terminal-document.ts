// The document that xterm builds its elements with. xterm writes styles as <style> elements and style attributes, which
// the page's CSP refuses. Here a <style> element never enters the page: its text goes into a constructed style sheet,
// and style attributes are set through the object model. The CSP allows both.

export function policyDocument(document: Document): Document {
  const createElement = (name: string): HTMLElement => tame(document.createElement(name), document);
  return new Proxy(document, {
    get(target, property) {
      if (property === "createElement") return createElement;
      const value: unknown = Reflect.get(target, property);
      // A document's methods need the document itself as `this`.
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/**
 * xterm's DOM renderer uses the page's document whatever it is given, so this reaches for the renderer where xterm 6
 * keeps it. If it moves, the CSP refuses the colours that programs give as numbers, and nothing else.
 */
export function lendToRows(terminal: object, document: Document): void {
  let part: unknown = terminal;
  for (const name of ["_core", "_renderService", "_renderer", "value", "_rowFactory"]) {
    part = typeof part === "object" && part !== null ? Reflect.get(part, name) : null;
  }
  if (typeof part === "object" && part !== null && "_document" in part) part._document = document;
}

function tame(element: HTMLElement, document: Document): HTMLElement {
  element.setAttribute = setAttribute;
  // xterm makes one of its <style> elements with the page's own document, but appends all of them to an element from
  // here.
  if (element.tagName === "DIV") {
    element.appendChild = function <Child extends Node>(this: HTMLElement, child: Child): Child {
      if (child instanceof HTMLStyleElement) adopt(child, document);
      else HTMLElement.prototype.appendChild.call(this, child);
      return child;
    };
  }
  return element;
}

function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === "style") this.style.cssText = value;
  else HTMLElement.prototype.setAttribute.call(this, name, value);
}

function adopt(element: HTMLStyleElement, document: Document): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(element.textContent ?? "");
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(element, "textContent", { set: (text: string) => sheet.replaceSync(text) });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
  };
}
