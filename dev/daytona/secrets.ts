/**
 * The organization's secrets, which 0.190 does not have. They follow the SDK of 0.218 and Daytona's published pages: a
 * sandbox has a placeholder in the variable, and outbound HTTPS requests to the secret's hosts get the value in its
 * place. Sandboxes here have no network, so nothing is replaced, and no value ever reaches one.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Exchange,
  type Handler,
  HttpError,
  integerParameter,
  type Json,
  optionalText,
  optionalTexts,
  parameter,
  query,
  readJson,
  requireText,
  sendEmpty,
  sendJson,
} from "./http.ts";
import { isVariableName } from "./keeper/settings.ts";
import { saveJson } from "./sandboxes.ts";

interface SecretRecord {
  id: string;
  name: string;
  description: string | undefined;
  value: string;
  placeholder: string;
  hosts: string[];
  createdAt: string;
  updatedAt: string;
}

export interface NewSecret {
  name: string;
  value: string;
  description?: string | undefined;
  hosts?: string[] | undefined;
}

const maxNameLength = 256;
const maxValueBytes = 64 * 1024;
const maxSecrets = 10_000;
const host = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i;

export class Secrets {
  readonly #path: string;
  readonly #secrets = new Map<string, SecretRecord>();

  constructor(stateDirectory: string) {
    this.#path = join(stateDirectory, "secrets.json");
  }

  async load(): Promise<void> {
    const text = await readFile(this.#path, "utf8").catch(() => "[]");
    for (const secret of JSON.parse(text) as SecretRecord[]) this.#secrets.set(secret.id, secret);
  }

  /** Newest first. */
  all(): SecretRecord[] {
    return [...this.#secrets.values()].reverse();
  }

  require(id: string): SecretRecord {
    const found = this.#secrets.get(id);
    if (!found) throw new HttpError(404, `Secret with ID ${id} not found`);
    return found;
  }

  byName(name: string): SecretRecord | undefined {
    return this.all().find((secret) => secret.name === name);
  }

  async add({ name, value, description, hosts = [] }: NewSecret): Promise<SecretRecord> {
    if (name.length > maxNameLength || !/^[a-zA-Z_][a-zA-Z0-9_-]*$/.test(name)) {
      throw new HttpError(400, "name must match ^[a-zA-Z_][a-zA-Z0-9_-]*$");
    }
    checkValue(value);
    checkHosts(hosts);
    if (this.byName(name)) throw new HttpError(409, `Secret with name ${name} already exists`);
    if (this.#secrets.size >= maxSecrets) throw new HttpError(400, "the organization has too many secrets");
    const now = new Date().toISOString();
    const placeholder = `dtn_secret_${randomBytes(16).toString("hex")}`;
    const secret = { id: randomUUID(), name, description, value, placeholder, hosts, createdAt: now, updatedAt: now };
    this.#secrets.set(secret.id, secret);
    await this.#save();
    return secret;
  }

  async change(id: string, { value, description, hosts }: Partial<Omit<NewSecret, "name">>): Promise<SecretRecord> {
    const secret = this.require(id);
    if (value !== undefined) checkValue(value);
    if (hosts !== undefined) checkHosts(hosts);
    if (value !== undefined) secret.value = value;
    if (hosts !== undefined) secret.hosts = hosts;
    if (description !== undefined) secret.description = description;
    secret.updatedAt = new Date().toISOString();
    await this.#save();
    return secret;
  }

  async delete(id: string): Promise<void> {
    this.#secrets.delete(this.require(id).id);
    await this.#save();
  }

  /** The variables of a sandbox with these secrets. One that was deleted leaves none. */
  placeholders(mounted: Record<string, string> = {}): Record<string, string> {
    const found = Object.entries(mounted).map(
      ([variable, name]) => [variable, this.byName(name)?.placeholder] as const,
    );
    return Object.fromEntries(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  requireAll(mounted: Record<string, string>): void {
    const missing = Object.values(mounted).find((name) => !this.byName(name));
    if (missing !== undefined) throw new HttpError(404, `Secret ${missing} not found`);
  }

  #save(): Promise<void> {
    return saveJson(this.#path, [...this.#secrets.values()]);
  }
}

function checkValue(value: string): void {
  if (value === "") throw new HttpError(400, "value should not be empty");
  if (Buffer.byteLength(value) > maxValueBytes) throw new HttpError(400, `value is larger than ${maxValueBytes} bytes`);
}

function checkHosts(hosts: string[]): void {
  const wrong = hosts.find((text) => !host.test(text));
  if (wrong !== undefined) throw new HttpError(400, `each value in hosts must be a host name: ${wrong.slice(0, 100)}`);
}

const pageSize = 100;
const maxPage = 200;

interface Context {
  secrets: Secrets;
}

export const secretRoutes: Record<string, Handler<Context>> = {
  "GET /secret": (exchange, { secrets }) => sendJson(exchange.response, 200, secrets.all().map(describeSecret)),
  "GET /secret/paginated": listSecrets,
  "POST /secret": async (exchange, { secrets }) => {
    const body = await readJson(exchange.request);
    const wanted = { name: requireText(body, "name"), value: requireText(body, "value"), ...readRest(body) };
    sendJson(exchange.response, 201, describeSecret(await secrets.add(wanted)));
  },
  "GET /secret/{id}": (exchange, { secrets }) =>
    sendJson(exchange.response, 200, describeSecret(secrets.require(parameter(exchange, "id")))),
  "PATCH /secret/{id}": async (exchange, { secrets }) => {
    const body = await readJson(exchange.request);
    const change = { value: optionalText(body, "value"), ...readRest(body) };
    sendJson(exchange.response, 200, describeSecret(await secrets.change(parameter(exchange, "id"), change)));
  },
  "DELETE /secret/{id}": async (exchange, { secrets }) => {
    await secrets.delete(parameter(exchange, "id"));
    sendEmpty(exchange.response, 204);
  },
};

function describeSecret({ value: _value, ...shown }: SecretRecord): Record<string, unknown> {
  return { ...shown };
}

function readRest(body: Json) {
  return {
    description: optionalText(body, "description"),
    hosts: body.hosts === undefined ? undefined : optionalTexts(body, "hosts"),
  };
}

function listSecrets(exchange: Exchange, { secrets }: Context): void {
  const limit = integerParameter(query(exchange, "limit") ?? String(pageSize), "limit", 1, maxPage);
  const start = integerParameter(query(exchange, "cursor") ?? "0", "cursor", 0, 1_000_000);
  const part = query(exchange, "name") ?? "";
  const found = secrets.all().filter(({ name }) => name.includes(part));
  const end = start + limit;
  sendJson(exchange.response, 200, {
    items: found.slice(start, end).map(describeSecret),
    total: found.length,
    nextCursor: end < found.length ? String(end) : null,
  });
}

/** `[{ VARIABLE: "name of a secret" }]` */
export function readMounted(body: Json): Record<string, string> {
  const { secrets = [] } = body;
  if (!Array.isArray(secrets)) throw new HttpError(400, "secrets must be an array");
  const entries = secrets.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) throw new HttpError(400, "each of secrets must be an object");
    return Object.entries(entry as Record<string, unknown>);
  });
  const wrong = entries.find(([variable, name]) => !isVariableName(variable) || typeof name !== "string");
  if (wrong !== undefined) throw new HttpError(400, `secrets holds an invalid entry: ${wrong[0].slice(0, 100)}`);
  return Object.fromEntries(entries) as Record<string, string>;
}
