// Browsers of other origins: none, unless `CORS_ORIGINS` names them. A key travels in a header and never in a cookie, so an
// origin that is let in gains nothing that its page could not send from anywhere else.
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
