import { OpenAPIHono, z } from "@hono/zod-openapi";
import { describe, expect, it } from "vitest";
import { noSettings } from "../../test/fakes/settings.ts";
import type { Scope } from "../protocol/keys/scope.ts";
import type { AppEnv, Caller } from "./context.ts";
import { answerError, answerNotFound, type ErrorForm, Problem } from "./errors.ts";
import { addOperation, describeOperations } from "./operation.ts";

function callerWith(scopes: Scope[]): Caller {
  const limits = { expires_at: null, scopes, is_limited: true };
  return { user_id: "user_1", kind: "key", key_id: "key_1", confirmed_at: Date.now(), ...limits };
}

describe("an operation with an error form of its own", () => {
  const errors: ErrorForm = {
    type: "application/json",
    fields: ({ code, detail }) => ({ error: { code, message: detail } }),
  };

  function makeApp() {
    const app = new OpenAPIHono<AppEnv>();
    app.onError(answerError);
    app.notFound(answerNotFound);
    app.use("/v1/*", async (context, next) => {
      if (!context.req.header("authorization")) throw new Problem("unauthorized", "Send an API key.");
      context.set("caller", callerWith(["write"]));
      await next();
    });
    const common = { method: "post", tag: "Names", summary: "Fails", answers: {} } as const;
    const fail = () => {
      throw new Problem("not_found", "There is none.");
    };
    addOperation(app, { ...common, path: "/v1/own/{name}", errors }, fail);
    addOperation(app, { ...common, path: "/v1/usual" }, fail);
    return app;
  }

  it.each([
    ["its handler throws", { authorization: "Bearer k" }, "not_found"],
    ["middleware throws before its handler", {}, "unauthorized"],
  ])("answers in it what %s", async (_what, headers: Record<string, string>, code) => {
    const answer = await makeApp().request("/v1/own/x", { method: "POST", headers }, {});
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toMatchObject({ code, error: { code, message: expect.any(String) } });
  });

  it("leaves the errors of its neighbours as they are", async () => {
    for (const path of ["/v1/usual", "/v1/own"]) {
      const answer = await makeApp().request(path, { method: "POST", headers: { authorization: "Bearer k" } }, {});
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(await answer.json()).not.toHaveProperty("error");
    }
  });

  it("is described with its type", () => {
    const app = makeApp();
    describeOperations(app);
    const { paths } = app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "t", version: "1" } });
    const typesOf = (path: string) => Object.keys(paths?.[path]?.post?.responses?.[500]?.content ?? {});
    expect(typesOf("/v1/own/{name}")).toEqual(["application/json"]);
    expect(typesOf("/v1/usual")).toEqual(["application/problem+json"]);
  });
});

describe("a body that depends on the settings", () => {
  it("is validated against the settings of the server that receives it", async () => {
    const app = new OpenAPIHono<AppEnv>();
    app.use(async (context, next) => {
      const cors_origins = context.req.header("x-server") === "one" ? ["one"] : ["two"];
      context.set("config", { ...noSettings, cors_origins });
      context.set("caller", callerWith(["write"]));
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
      app.request("/names", { method: "POST", headers: { "x-server": server }, body: '{"name":"one"}' }, {});
    expect((await send("one")).status).toBe(200);
    const refused = await send("two");
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: "invalid_field" });
  });
});
