import { OpenAPIHono } from "@hono/zod-openapi";
import { afterEach, expect, it, vi } from "vitest";
import type { AppEnv } from "./context.ts";
import { answerError } from "./errors.ts";

afterEach(() => vi.restoreAllMocks());

/** What an app answers whose work rejects with this. */
async function answerTo(error: (signal: AbortSignal) => unknown): Promise<{ status: number; logged: number }> {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const app = new OpenAPIHono<AppEnv>();
  app.onError(answerError);
  app.get("/", ({ req }) => Promise.reject(error(req.raw.signal)));
  const signal = AbortSignal.abort(new DOMException("The client has disconnected", "AbortError"));
  const { status } = await app.request(new Request("http://server/", { signal }));
  return { status, logged: log.mock.calls.length };
}

it("work that ends because its client has left is no bug in the log", async () => {
  expect(await answerTo((signal) => signal.reason)).toEqual({ status: 499, logged: 0 });
});

it("a bug is one, also if the client has left meanwhile", async () => {
  expect(await answerTo(() => new Error("a bug"))).toEqual({ status: 500, logged: 1 });
});
