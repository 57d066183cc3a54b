// A thread that looks things up in pages about tea and ships.

import type { Source } from "../../src/agent/sources.ts";
import { findRun } from "../../src/thread/life.ts";
import { call, say } from "./replies.ts";
import { FakeThread, type FakeThreadOptions } from "./thread.ts";
import { memoryWeb } from "./web-tools.ts";

export const tea = "https://tea.example/history";
export const ships = "https://ships.example/log?year=1610";
export const pages = {
  [tea]: { title: "Tea", text: "Tea came to Europe in 1610." },
  [ships]: { title: "Ships", text: "Two ships." },
};
export const search = call({ id: "c1", name: "web_search", input: { query: "tea" } });
export const fetchTea = call({ id: "c2", name: "fetch_url", input: { url: tea } });
export const run = { invocation_id: "inv_a" };

export function found(n: number, url: string, read: Source["read"] = null): Source {
  return { n, url, title: null, date: null, read };
}

export function runOf(thread: FakeThread) {
  return findRun(thread.life, "inv_a")?.run;
}

export async function research(answer: string, options: FakeThreadOptions = {}) {
  const web = memoryWeb(pages);
  const thread = new FakeThread({ replies: [search, fetchTea, say(answer)], tools: web.tools, ...options });
  const reader = await thread.run("When did tea come?", run);
  return { thread, web, reader };
}
