// How much an element says by itself, and how much of that are links: what navigation and content differ in.
import type { PageElement, PageNode } from "./tree.ts";

export interface Measure {
  /** Characters without spaces, those of links included. */
  text: number;
  linked: number;
  links: number;
}

const measures = new WeakMap<PageElement, Measure>();

/** Measured once: call it when the tree is complete. */
export function measure(element: PageElement): Measure {
  const known = measures.get(element);
  if (known !== undefined) return known;
  const sum: Measure = { text: 0, linked: 0, links: 0 };
  for (const child of element.children) {
    if (typeof child === "string") {
      sum.text += lengthOf(child);
      continue;
    }
    const { text, linked, links } = measure(child);
    sum.text += text;
    sum.linked += linked;
    sum.links += links;
  }
  if (element.name === "a" && element.attributes.href !== undefined) {
    sum.linked = sum.text;
    sum.links = 1;
  }
  measures.set(element, sum);
  return sum;
}

export function measureAll(nodes: PageNode[]): Measure {
  return measure({ name: "#all", attributes: {}, children: nodes, block: true });
}

/** What is no link. */
export function proseOf({ text, linked }: Measure): number {
  return text - linked;
}

function lengthOf(text: string): number {
  let length = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 32) length += 1;
  return length;
}
