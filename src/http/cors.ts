// Other origins are refused unless `CORS_ORIGINS` names them. Keys travel in a header and never in a cookie, and a
// session's cookie counts for no other origin (`sessions/own-page.ts`), so an allowed origin gets no rights from its
// visitor's browser.
import type { Next } from "hono";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import type { AppContext, AppEnv } from "./context.ts";

export const allowOrigins = createMiddleware<AppEnv>((context, next) => {
  // Programs send no origin. What is set before there is an answer makes one that is thrown away.
  if (context.req.header("origin") === undefined) return answerProgram(context, next);
  const { cors_origins } = context.get("config");
  const answer = cors({
    origin: (origin) => (cors_origins.includes(origin) || cors_origins.includes("*") ? origin : null),
    allowMethods: ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"],
    allowHeaders: [
      ...["Accept", "Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Taskloom-Bookmark"],
      "traceparent",
    ],
    exposeHeaders: ["Location", "Retry-After", "Taskloom-Bookmark", "X-Request-Id"],
    maxAge: 86_400,
  });
  return answer(context, next);
});

/** A cache must not give what a program got to a browser of another origin. */
async function answerProgram(context: AppContext, next: Next): Promise<void> {
  await next();
  context.res.headers.append("vary", "Origin");
}
