// Secrets of a project's sandbox. A value can be stored but never read: answers have names, hosts and how the sandbox
// gets the value.
import { z } from "@hono/zod-openapi";
import { SandboxError } from "../../agent/sandbox.ts";
import type { App, AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { addOperation } from "../../http/operation.ts";
import { fullOf, missing, requireProject, usualQuotas } from "../../http/ownership.ts";
import { pageOf } from "../../http/schemas.ts";
import { requireProvider } from "../../http/workspace.ts";
import { clientId } from "../../protocol/ids.ts";
import {
  countBytes,
  MAX_SECRETS,
  MAX_SECRETS_BYTES,
  normalizeHosts,
  secretFields,
} from "../../protocol/sandbox/secret.ts";
import { NAME_IS_RESERVED, variableName } from "../../protocol/sandbox/variable.ts";
import { late } from "../../protocol/schemas/late.ts";
import { noEncryptionKey } from "../../secrets/sealed.ts";
import { findSecretRoom, hasSandboxSecret, listSandboxSecrets } from "../../store/projects/sandbox-secrets.ts";
import {
  type AskedSecret,
  chooseDelivery,
  dropSandboxSecret,
  type SecretScope,
  showSecret,
  storeSandboxSecret,
} from "../sandbox-secrets.ts";

const tag = "Sandboxes";
const ofProject = z.object({ project_id: clientId });
const path = "/v1/projects/{project_id}/secrets";

/** The caller waits this long for the provider. */
const VAULT_MS = 15_000;

const ofSecret = late(() => z.object({ project_id: clientId, name: variableName() }));
/** Also one that is reserved by now. */
const ofAny = z.object({ project_id: clientId, name: z.string().min(1).max(128) });

const secretBody = late(() =>
  z.strictObject(secretFields()).openapi({ example: { value: "sk_live_EXAMPLE", hosts: ["api.stripe.com"] } }),
);
const time = z.string();
const secret = late(() =>
  z
    .object({
      name: z.string(),
      hosts: z.array(z.string()),
      delivered: z.enum(["secret", "env"]).openapi({
        description:
          "`secret`: programs see a placeholder, and the provider sends the value to the hosts alone. `env`: programs and the model can read the value.",
      }),
      created_at: time,
      updated_at: time,
    })
    .openapi("SandboxSecret", {
      example: {
        ...{ name: "STRIPE_API_KEY", hosts: ["api.stripe.com"], delivered: "secret" as const },
        ...{ created_at: "2026-11-28T09:00:00.000Z", updated_at: "2026-11-28T09:00:00.000Z" },
      },
    }),
);

export function addSandboxSecrets(app: App): void {
  addOperation(
    app,
    {
      method: "put",
      path: `${path}/{name}`,
      tag,
      summary: "Store a secret of the sandbox",
      description:
        "Commands in the project's sandbox get the value as a variable of that name, from those on that start five seconds later; the sandbox and its files stay. With `hosts`, and where the server's provider keeps secrets, programs see a placeholder in place of the value. Storing one of the same name replaces value and hosts.",
      params: ofSecret,
      body: secretBody,
      answers: { 200: { description: "What is stored, without the value.", schema: secret } },
      problems: ["not_found", "not_configured", "quota_exceeded", "sandbox_failed"],
      audit: "sandbox_secret.set",
      quota: "sandbox_secrets",
      replaces: async (context, { params }) => {
        const scope = await openScope(context, params.project_id);
        return hasSandboxSecret(context.env.DB, scope, params.name);
      },
    },
    async (context, { params, body }) => {
      const scope = await openScope(context, params.project_id);
      if (scope.config.encryption_keys.length === 0) unwrap(noEncryptionKey);
      if (requireProvider(context).own_variables?.test(params.name.toUpperCase())) {
        throw new Problem("invalid_field", `name: ${NAME_IS_RESERVED}`);
      }
      const hosts = normalizeHosts(body.hosts ?? []);
      const signal = AbortSignal.timeout(VAULT_MS);
      return await asProblems(async () => {
        const delivered = await chooseDelivery(scope, hosts, signal);
        const asked = { name: params.name, value: body.value, hosts, delivered };
        return context.json(await store(context, scope, asked, signal));
      });
    },
  );

  addOperation(
    app,
    {
      method: "get",
      path,
      tag,
      summary: "List the secrets of the sandbox",
      description: `By name, all of them: a project has ${MAX_SECRETS} at most.`,
      params: ofProject,
      answers: { 200: { description: "Without values.", schema: pageOf(secret) } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const rows = await listSandboxSecrets(context.env.DB, await openScope(context, params.project_id));
      return context.json({ data: rows.map(showSecret), next_cursor: null });
    },
  );

  addOperation(
    app,
    {
      method: "delete",
      path: `${path}/{name}`,
      tag,
      summary: "Delete a secret of the sandbox",
      description:
        "Commands that start five seconds later do not get it. A program that runs keeps what it has. If the provider can't be reached, its copy is deleted later.",
      params: ofAny,
      answers: { 204: { description: "It is deleted." } },
      problems: ["not_found"],
      audit: "sandbox_secret.delete",
    },
    async (context, { params }) => {
      const scope = await openScope(context, params.project_id);
      const deleted = await dropSandboxSecret(scope, params.name, AbortSignal.timeout(VAULT_MS));
      if (!deleted) throw new Problem("not_found", `The project has no secret ${params.name}.`);
      return context.body(null, 204);
    },
  );
}

async function openScope(context: AppContext, project_id: string): Promise<SecretScope> {
  const { user_id, created_at } = await requireProject(context, project_id);
  const world = { config: context.get("config"), database: context.env.DB };
  return { ...world, user_id, project_id, project_created_at: created_at };
}

async function store(context: AppContext, scope: SecretScope, asked: AskedSecret, signal: AbortSignal) {
  const usual = usualQuotas(context)("sandbox_secrets");
  const row = unwrap(await storeSandboxSecret(scope, asked, signal, usual));
  if (row !== null) return showSecret(row);
  const { has_project, others, bytes } = await findSecretRoom(context.env.DB, { ...scope, name: asked.name });
  if (!has_project) throw missing("project", scope.project_id);
  if (others >= MAX_SECRETS) throw new Problem("quota_exceeded", `A project has at most ${MAX_SECRETS} secrets.`);
  if (bytes + countBytes(asked.value) > MAX_SECRETS_BYTES) {
    throw new Problem(
      "invalid_field",
      `value: all secrets of a project have at most ${MAX_SECRETS_BYTES} bytes together, which is what programs take`,
    );
  }
  throw await fullOf(context, "sandbox_secrets");
}

async function asProblems<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    throw new Problem("sandbox_failed", error.message);
  }
}
