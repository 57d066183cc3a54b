// The files that the script writes for people. They are real files in this folder, so that they are formatted, checked
// and tested like any other, and are read once at the start.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Language } from "./conversation.ts";

const shared = [
  "shop/package.json",
  "shop/server.js",
  "shop/lib/store.js",
  "shop/check.js",
  "shop/check.py",
  "shop/measure.js",
  "shop/public/style.css",
  "shop/public/shop.css",
  "shop/public/art.js",
  "shop/public/cart.js",
  "shop/public/app.js",
] as const;
const translated = [
  "shop/*/requirements.md",
  "shop/*/architecture.md",
  "shop/*/stack.md",
  "shop/*/database.md",
  "shop/*/products.json",
  "shop/*/index.html",
  "research/*/notes.md",
  "research/*/analysis.md",
  "research/*/report.md",
  "generic/*/task.md",
  "generic/*/readme.md",
] as const;

export type ContentName = (typeof shared)[number] | (typeof translated)[number];

export interface Content {
  /** A `*` in the name is replaced with the language, `{{name}}` in the text with the value. */
  read: (name: ContentName, language: Language, values?: Record<string, string>) => string;
}

export async function loadContent(): Promise<Content> {
  const paths = [...shared, ...translated.flatMap((name) => [name.replace("*", "zh"), name.replace("*", "en")])];
  const texts = new Map(
    await Promise.all(
      paths.map(async (path) => [path, await readFile(join(import.meta.dirname, path), "utf8")] as const),
    ),
  );
  return {
    read: (name, language, values = {}) => {
      const text = texts.get(name.replace("*", language)) ?? "";
      return text.replace(/\{\{(\w+)\}\}/g, (whole, key: string) => values[key] ?? whole);
    },
  };
}
