import { OpenAPIHono, z } from "@hono/zod-openapi";
import { describe, expect, it } from "vitest";
import { noSettings } from "../../test/fakes/settings.ts";
import type { AppEnv } from "./context.ts";
import { answerError } from "./errors.ts";
import { addOperation } from "./operation.ts";

describe("a body that depends on the settings", () => {
  it("is validated against the settings of the server that receives it", async () => {
    const app = new OpenAPIHono<AppEnv>();
    app.use(async (context, next) => {
      const cors_origins = context.req.header("x-server") === "one" ? ["one"] : ["two"];
      context.set("config", { ...noSettings, cors_origins });
      await next();
    });
    app.onError(answerError);
    addOperation(
      app,
      {
        method: "post",
        path: "/names",
        tag: "Names",
        summary: "Takes a name",
        body: z.strictObject({ name: z.string() }),
        bodyFor: ({ cors_origins }) => z.strictObject({ name: z.enum(cors_origins) }),
        answers: { 200: { description: "It is known." } },
      },
      (context, { body }) => context.text(body.name),
    );
    const send = (server: string) =>
      app.request("/names", { method: "POST", headers: { "x-server": server }, body: '{"name":"one"}' });
    expect((await send("one")).status).toBe(200);
    const refused = await send("two");
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: "invalid_field" });
  });
});
