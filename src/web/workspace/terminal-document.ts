// The document that a terminal builds itself with. xterm writes its styles as <style> elements and style attributes, which the
// page's policy refuses. Here such an element is never put into the page: what is written into it goes into a style sheet of
// the document, and an attribute goes through the object model. Both are the policy's own ways.

export function policyDocument(document: Document): Document {
  const createElement = (name: string): HTMLElement => tame(document.createElement(name), document);
  return new Proxy(document, {
    get(target, property) {
      if (property === "createElement") return createElement;
      const value: unknown = Reflect.get(target, property);
      // A document's methods want the document itself.
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/**
 * The part that makes the text takes the page's document whatever it is told; it is reached where it lies in xterm 6. Were it to
 * lie elsewhere, colours of programs that name them in numbers would be refused by the policy, and nothing else.
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
  // xterm makes one of its <style> elements with the page's own document, but puts all into an element that came from here.
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
