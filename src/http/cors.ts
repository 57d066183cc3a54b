// Other origins are refused unless `CORS_ORIGINS` names them. Keys travel in a header and never in a cookie, and a
// session's cookie counts for no other origin (`sessions/own-page.ts`), so an allowed origin gets no rights from its
// visitor's browser.
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./context.ts";

export const allowOrigins = createMiddleware<AppEnv>((context, next) => {
  const { cors_origins } = context.get("config");
  const answer = cors({
    origin: (origin) => (cors_origins.includes(origin) || cors_origins.includes("*") ? origin : null),
    allowMethods: ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"],
    allowHeaders: ["Accept", "Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
    exposeHeaders: ["Location", "Retry-After", "X-Request-Id"],
    maxAge: 86_400,
  });
  return answer(context, next);
});
