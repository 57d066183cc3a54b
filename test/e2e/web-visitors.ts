// People with accounts of their own on one server, each with a browser of their own.
import type { BrowserContext, Page } from "playwright-core";
import { openWebStage, type WebStage } from "../setup/web-stage.ts";

export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** The requests and the key of each. */
  asked: { key: string; path: string }[];
}

export interface Visitors {
  stage: WebStage;
  origin: string;
  /** A link that brings a key. */
  link(key: string, place?: string): string;
  /** A new user's first key. */
  makeUser(user_id: string, name: string | null): Promise<string>;
  request<T>(key: string, method: string, path: string): Promise<T>;
  /** Somebody who opens a link with this key, or just the page, in a browser that shares nothing with others. */
  visit(key: string, options?: { place?: string; locale?: string; script?: string }): Promise<Visitor>;
  leave(): Promise<void>;
  close(): Promise<void>;
}

export async function openVisitors(): Promise<Visitors> {
  const stage = await openWebStage();
  const { origin } = new URL(stage.server.address);
  let contexts: BrowserContext[] = [];
  const link = (key: string, place = ""): string => `${origin}/#key=${encodeURIComponent(key)}${place}`;
  return {
    stage,
    origin,
    link,
    makeUser: async (user_id, name) =>
      (await stage.request<{ api_key: string }>("POST", "/v1/users", { user_id, name })).api_key,
    request: async <T>(key: string, method: string, path: string): Promise<T> => {
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const body = method === "POST" ? "{}" : undefined;
      const response = await fetch(`${stage.server.url}${path}`, { method, headers, body });
      return (response.status === 204 ? undefined : await response.json()) as T;
    },
    visit: async (key, { place = "", locale = "en-GB", script } = {}) => {
      const context = await stage.browser.newContext({ locale, reducedMotion: "reduce" });
      contexts.push(context);
      context.setDefaultTimeout(60_000);
      if (script !== undefined) await context.addInitScript(script);
      const asked: Visitor["asked"] = [];
      context.on("request", (request) => {
        const { authorization = "" } = request.headers();
        if (authorization !== "") asked.push({ key: authorization.slice(7), path: new URL(request.url()).pathname });
      });
      const page = await context.newPage();
      await page.goto(link(key, place));
      return { context, page, asked };
    },
    leave: async () => {
      for (const each of contexts) await each.close();
      contexts = [];
    },
    close: () => stage.close(),
  };
}
