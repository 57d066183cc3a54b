// `/docs` shows `/openapi.json` as a page. The viewer is a file of the web page's build (src/web/docs), so it is not in
// this bundle. If it can't be loaded, or the browser runs no script, the page is a link to the description.
import type { App } from "../context.ts";
import { addOperation } from "../operation.ts";

/** Allows nothing inline and nothing from elsewhere. `data:` is for the icons in the viewer's style sheet. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** vite.config.ts sets the names in /assets. */
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Taskloom API</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/_taskloom/docs.css">
<script type="module" src="/_taskloom/docs.js"></script>
</head>
<body>
<div id="viewer">
<p>The API of this server is described in <a href="/openapi.json">/openapi.json</a>, an OpenAPI 3.1 document.</p>
</div>
</body>
</html>
`;

export function addDocs(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/docs",
      tag: "Server",
      summary: "This description as a page",
      description: "A browser opens it. You can try requests there with your key.",
      open: true,
      answers: { 200: { description: "The page.", text: "text/html" } },
    },
    (context) =>
      context.body(page, 200, {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "cache-control": "no-cache",
        "referrer-policy": "no-referrer",
      }),
  );
}
