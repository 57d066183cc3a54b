// An operation is one method on one path, defined once. Its schemas validate requests, and `/openapi.json` is generated
// from them.
import { z } from "@hono/zod-openapi";
import type { Failure } from "../protocol/error.ts";
import { type Late, readLate } from "../protocol/schemas/late.ts";
import { auditOperation } from "./audit.ts";
import { confirmKey, type NeededScope, requireScope } from "./auth.ts";
import { readJson } from "./body.ts";
import type { App, AppContext } from "./context.ts";
import { describeOperation } from "./describe.ts";
import { Problem, problemOf, usualErrors, withErrors } from "./errors.ts";
import { toFailure } from "./input/failure.ts";
import { requireRoom } from "./ownership.ts";
import { takeOne } from "./quotas/quotas.ts";
import { admitRun, peekRun } from "./quotas/runs.ts";
import { type Counts, countsOf, type Input, isStrict, type Operation, scopeOf } from "./specification.ts";

export type { Answer, Operation } from "./specification.ts";

/** Adds an operation to the app and to its description. */
export function addOperation<Params, Query, Headers, Body>(
  app: App,
  operation: Operation<Params, Query, Headers, Body>,
  handle: (context: AppContext, input: Input<Params, Query, Headers, Body>) => Response | Promise<Response>,
): void {
  const descriptions = waiting.get(app) ?? [];
  waiting.set(app, descriptions);
  descriptions.push(() => describeOperation(app, operation));
  const answer = async (context: AppContext): Promise<Response> => {
    const { req } = context;
    // Before anything else, for every route: a key without the scope learns and changes nothing.
    if (!operation.open) {
      requireScope(context.get("caller"), scopeOf(operation));
      requireOwnPage(context, operation);
      await requireQuotas(context, countsOf(operation));
    }
    const body = operation.bodyFor?.(context.get("config")) ?? operation.body;
    const given = {
      params: check(operation.params, req.param()),
      query: operation.query || isStrict(operation) ? check(operation.query ?? noQuery, readQuery(req)) : undefined,
      headers: operation.headers && check(operation.headers, req.header()),
      body: body ? check(body, await readJson(req.raw, context.get("caller")?.user_id)) : undefined,
    };
    // A body may come slowly, and its key may have ended meanwhile.
    if (body && !operation.open) await confirmKey(context, scopeOf(operation));
    if (operation.counts === "run") requireNone(await admitRun(context.env, context.get("caller")));
    const input = given as Input<Params, Query, Headers, Body>;
    const { audit, quota, replaces } = operation;
    if (quota) await requireRoom(context, quota, async () => (await replaces?.(context, input)) ?? false);
    return await (audit ? auditOperation(context, audit, input, () => handle(context, input)) : handle(context, input));
  };
  const path = operation.path.replaceAll(/\{(\w+)\}/g, ":$1");
  app.on(operation.method.toUpperCase(), path, withErrors(operation.errors ?? usualErrors, answer));
}

/** What `/openapi.json` says of the app's operations. Few processes are asked for it, and each start would pay. */
const waiting = new WeakMap<App, (() => void)[]>();

/** Describes the operations that were added so far. */
export function describeOperations(app: App): void {
  const descriptions = waiting.get(app) ?? [];
  waiting.delete(app);
  for (const describe of descriptions) describe();
}

/** Before the body is read: a request that is refused costs a look into memory. */
async function requireQuotas({ env, get }: AppContext, counts: Counts): Promise<void> {
  if (counts === "nothing") return;
  const caller = get("caller");
  requireNone(await takeOne(env, caller, "requests_per_minute"));
  if (counts === "change" || counts === "version") requireNone(await takeOne(env, caller, "changes_per_minute"));
  if (counts === "version") requireNone(await takeOne(env, caller, "agent_versions_per_minute"));
  if (counts === "sum") requireNone(await takeOne(env, caller, "sums_per_minute"));
  // It is counted once its body is valid.
  if (counts === "run") requireNone(peekRun(env, caller));
}

function requireNone(refusal: Failure | null): void {
  if (refusal !== null) throw problemOf(refusal);
}

/** A browser that does not say which page asks may read, and no more: some GETs start a sandbox. */
function requireOwnPage(context: AppContext, operation: { scope?: NeededScope; method: string }): void {
  const needed = scopeOf(operation);
  if (!context.get("session")?.is_unclear || needed === "read" || needed === "any") return;
  throw new Problem("unauthorized", "This browser does not say which page asks. Use a newer one, or an API key.");
}

const noQuery = z.strictObject({});

/** The parser keeps escapes that are not UTF-8 as text, which could name another file. So this refuses them. */
function readQuery(req: AppContext["req"]): Record<string, string> {
  const [, query = ""] = /\?(.*)/s.exec(req.url) ?? [];
  try {
    decodeURIComponent(query.replace(/%(?![\da-f]{2})/gi, ""));
  } catch {
    throw new Problem("invalid_field", "The query is not UTF-8 where it is percent-encoded.");
  }
  return req.query();
}

function check(schema: Late<z.ZodType> | undefined, value: unknown): unknown {
  if (!schema) return undefined;
  const asked = readLate(schema);
  const result = asked.safeParse(value);
  if (result.success) return result.data;
  const { code, detail } = toFailure(result.error, asked, value);
  throw new Problem(code, detail);
}
