// The page that a person's browser shows when an installation in Slack has ended: a heading and a text, without scripts
// and external resources.
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppContext } from "../../http/context.ts";
import type { Problem } from "../../http/errors.ts";
import { problems } from "../../protocol/error.ts";

export function answerPage(context: AppContext, title: string, text: string): Response {
  return render(context, 200, title, text);
}

export function answerFailurePage(context: AppContext, { code, detail }: Problem["failure"]): Response {
  return render(context, problems[code].status, "Slack was not connected", detail);
}

function render(context: AppContext, status: number, title: string, text: string): Response {
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title></head>
<body><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></body>
</html>
`;
  return context.body(body, status as ContentfulStatusCode, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    // The address contains a code from Slack.
    "referrer-policy": "no-referrer",
  });
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
