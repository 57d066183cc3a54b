// `/docs`: the API description, browsable. Page, script and style are our own and small, so nothing is loaded from elsewhere
// and the policy allows no inline script.
import type { Context } from "hono";
import type { App, AppEnv } from "../context.ts";
import { addOperation } from "../operation.ts";
import { docsPage } from "./docs-page.ts";
import { docsScript } from "./docs-script.ts";
import { docsStyle } from "./docs-style.ts";

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function addDocs(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/docs",
      tag: "Server",
      summary: "This description as a page",
      open: true,
      answers: { 200: { description: "The page.", text: "text/html" } },
    },
    (context) => answer(context, "text/html", docsPage),
  );
  app.get("/docs/app.js", (context) => answer(context, "text/javascript", docsScript));
  app.get("/docs/app.css", (context) => answer(context, "text/css", docsStyle));
}

function answer(context: Context<AppEnv>, type: string, body: string): Response {
  return context.body(body, 200, {
    "content-type": `${type}; charset=utf-8`,
    "content-security-policy": policy,
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
  });
}
