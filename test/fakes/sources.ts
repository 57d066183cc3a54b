// Sources and a cache in memory, for tools and loops without a thread.
import { type Sources, toSourceUrl } from "../../src/agent/sources.ts";
import type { RunCache } from "../../src/agent/tool.ts";

/** `named`: the addresses that count as named. */
export function memorySources(named: string[] = []): Sources {
  const numbers = new Map<string, number>();
  return {
    number: (url) => {
      const n = numbers.get(url) ?? numbers.size + 1;
      numbers.set(url, n);
      return n;
    },
    listRead: () => [],
    isNamed: (...forms) => forms.some((url) => named.some((address) => toSourceUrl(address) === toSourceUrl(url))),
  };
}

export function memoryCache(): RunCache {
  const made = new Map<string, Promise<string>>();
  return (key, make) => {
    const text = made.get(key) ?? make();
    made.set(key, text);
    text.catch(() => made.delete(key));
    return text;
  };
}
