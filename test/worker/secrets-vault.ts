// Projects with secrets, and a vault of Daytona that a test can have fail.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, vi } from "vitest";
import { configOf } from "../../src/config.ts";
import type { SecretScope } from "../../src/projects/sandbox-secrets.ts";
import { createClient } from "./http-client.ts";

export const CANARY = "canary-31d7-value";
export const API = "https://daytona.example/api";
export const settings = {
  ENCRYPTION_KEY: "new key,old key",
  DAYTONA_API_URL: API,
  DAYTONA_API_KEY: "dtn_key-of-tests",
};
export const client = createClient(settings);

interface Kept {
  id: string;
  name: string;
  value: string;
  hosts: string[];
}

/** Daytona's secrets; `missing` is a server without them. Other requests are those of sandboxes, which are not there. */
export const vault = {
  secrets: [] as Kept[],
  missing: false,
  asked: [] as string[],
  fails: null as RegExp | null,
  /** Called before a request changes anything. */
  before: async (_line: string, _body: Kept): Promise<void> => {},
};

export function answer(status: number, body: unknown): Response {
  return Response.json(body, { status });
}

async function serve(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const path = pathname.slice("/api".length);
  const line = `${request.method} ${path}`;
  if (!path.startsWith("/secret")) return answer(404, { statusCode: 404, message: "Sandbox not found" });
  if (vault.missing) return answer(404, { statusCode: 404, message: `Cannot ${request.method} ${pathname}` });
  vault.asked.push(line);
  if (vault.fails?.test(line)) return answer(422, { message: "Daytona refuses this" });
  if (line === "GET /secret/paginated") {
    const items = vault.secrets.filter(({ name }) => name.includes(searchParams.get("name") ?? ""));
    return answer(200, { items, total: items.length, nextCursor: null });
  }
  const id = path.split("/")[2];
  if (request.method === "DELETE") {
    vault.secrets = vault.secrets.filter((kept) => kept.id !== id);
    return new Response(null, { status: 204 });
  }
  const body = (await request.json()) as Kept;
  await vault.before(line, body);
  const known = vault.secrets.find((kept) => kept.id === id || kept.name === body.name);
  if (request.method === "PATCH" && known) return answer(200, Object.assign(known, body));
  if (known) return answer(409, { message: "exists" });
  vault.secrets.push({ ...body, id: `id-${vault.secrets.length}-${body.name}` });
  return answer(201, body);
}

/** For each test an empty vault and no projects. */
export function useVault(): void {
  beforeEach(() => {
    Object.assign(vault, { secrets: [], missing: false, asked: [], fails: null, before: async () => {} });
    vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => serve(new Request(input as string, init)));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const table of ["secrets", "sandbox_secrets", "projects"]) await env.DB.prepare(`DELETE FROM ${table}`).run();
  });
}

let count = 0;

export async function makeProject(from = client, project_id = `secrets-${++count}`) {
  const { body } = await from.send("POST", "/v1/projects", { project_id, name: "Shop" });
  const path = `/v1/projects/${project_id}/secrets`;
  const put = (name: string, given: object = {}, by = from) =>
    by.send("PUT", `${path}/${name}`, { value: CANARY, ...given });
  return { project_id, path, put, scope: scopeOf(String(body.created_at), project_id) };
}

function scopeOf(project_created_at: string, project_id: string): SecretScope {
  const config = configOf({ ...env, ...settings });
  return { config, database: env.DB, user_id: "user_first", project_id, project_created_at };
}

export const rowsOf = async () => (await env.DB.prepare("SELECT * FROM sandbox_secrets ORDER BY name").all()).results;
export const signal = () => AbortSignal.timeout(20_000);
export const at47 = () => Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 47 * 60_000;

export async function names(scope: SecretScope): Promise<string[]> {
  const { toHex, hashText } = await import("../../src/lib/hash.ts");
  const hash = toHex(await hashText(JSON.stringify([scope.user_id, scope.project_id, scope.project_created_at])));
  return [`taskloom_${hash.slice(0, 32)}_KEY`];
}
