// Daytona's secrets, which its newer versions have: a value that outbound HTTPS requests to its hosts get in place of a
// placeholder. They belong to the whole organization and are found by name. The SDK's part for them is not in our
// bundle, so these few requests are made here.
import { SandboxError } from "../../../agent/sandbox.ts";
import { isRecord } from "../../../lib/is-record.ts";
import type { SecretVault } from "../../provider.ts";
import { DaytonaFailure, readFailure, toSandboxError } from "../client/failure.ts";
import { defaultLimits } from "../client/limits.ts";
import { DaytonaRequests } from "../client/requests.ts";
import { readBytes } from "../files/json-stream.ts";

/** A page of 200 secrets with twenty hosts each has half of that. */
const ANSWER_BYTES = 2 * 1024 * 1024;
const PAGE = 200;
/** A project has 100 secrets; others only have names that hold the same text. */
const MAX_PAGES = 5;

export interface VaultSettings {
  api_key: string;
  api_url: string;
}

interface Kept {
  id: string;
  name: string;
}

export class DaytonaVault implements SecretVault {
  readonly #settings: VaultSettings;
  readonly #requests: DaytonaRequests;

  constructor({ api_key, api_url }: VaultSettings) {
    const settings = { api_key, api_url };
    this.#settings = settings;
    const host = URL.canParse(settings.api_url) ? new URL(settings.api_url).host : "its address";
    this.#requests = new DaytonaRequests(host, defaultLimits);
  }

  /** A key may lack the permission for it. */
  async isThere(signal: AbortSignal): Promise<boolean> {
    return (await this.#find("taskloom_", signal, 1)) !== null;
  }

  async list(prefix: string, signal: AbortSignal): Promise<string[]> {
    return ((await this.#find(prefix, signal)) ?? []).map(({ name }) => name);
  }

  async put({ name, value, hosts }: { name: string; value: string; hosts: string[] }, signal: AbortSignal) {
    const description = "A sandbox's secret, kept by Taskloom";
    try {
      await this.#ask("POST", "/secret", signal, { name, value, hosts, description });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const failure = readFailure(error);
      if (failure.status !== 409) throw this.#explain(failure, "keep", value);
      const [known] = ((await this.#find(name, signal)) ?? []).filter((kept) => kept.name === name);
      if (known === undefined) throw this.#explain(failure, "keep", value);
      await this.#ask("PATCH", `/secret/${encodeURIComponent(known.id)}`, signal, { value, hosts }).catch(
        (changing: unknown) => {
          signal.throwIfAborted();
          throw changing instanceof SandboxError ? changing : this.#explain(readFailure(changing), "keep", value);
        },
      );
    }
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    for (const kept of (await this.#find(name, signal)) ?? []) {
      if (kept.name !== name) continue;
      try {
        await this.#ask("DELETE", `/secret/${encodeURIComponent(kept.id)}`, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SandboxError) throw error;
        const failure = readFailure(error);
        if (failure.status !== 404) throw this.#explain(failure, "delete");
      }
    }
  }

  /** Null where there are none, or this key may not see them. */
  async #find(prefix: string, signal: AbortSignal, limit = PAGE): Promise<Kept[] | null> {
    const found: Kept[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = new URLSearchParams({ name: prefix, limit: String(limit), ...(cursor === null ? {} : { cursor }) });
      const answer = await this.#list(query, signal);
      if (answer === null) return null;
      found.push(...answer.items.filter(({ name }) => name.startsWith(prefix)));
      cursor = answer.next;
      if (cursor === null || limit === 1) break;
    }
    return found;
  }

  async #list(query: URLSearchParams, signal: AbortSignal): Promise<{ items: Kept[]; next: string | null } | null> {
    try {
      const answer = await this.#ask("GET", `/secret/paginated?${query}`, signal);
      if (!isRecord(answer) || !Array.isArray(answer.items)) {
        throw new DaytonaFailure("the answer can't be read", { status: 500 });
      }
      const items = answer.items.filter(
        (item): item is Kept => isRecord(item) && typeof item.id === "string" && typeof item.name === "string",
      );
      return { items, next: typeof answer.nextCursor === "string" ? answer.nextCursor : null };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const failure = readFailure(error);
      if (failure.is_missing_route || failure.status === 403) return null;
      throw this.#explain(failure, "list");
    }
  }

  #explain(failure: DaytonaFailure, verb: string, value?: string): SandboxError {
    const error = toSandboxError(failure, `Daytona would not ${verb} the secret`);
    // It may quote the request.
    return value === undefined ? error : new SandboxError(error.code, error.message.replaceAll(value, "***"));
  }

  #ask(method: string, path: string, signal: AbortSignal, body?: Record<string, unknown>): Promise<unknown> {
    const request = { ...this.#settings, method, path, ...(body && { body }), signal };
    return this.#requests.control(() => askApi(request), signal);
  }
}

/** Replaces what a sandbox has. Rejects with `DaytonaFailure`. */
export async function attachSecrets(
  settings: VaultSettings,
  sandbox_id: string,
  names: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const body = { secrets: Object.entries(names).map(([variable, name]) => ({ [variable]: name })) };
  const path = `/sandbox/${encodeURIComponent(sandbox_id)}/secrets`;
  await askApi({ ...settings, method: "PUT", path, body, signal });
}

interface ApiRequest extends VaultSettings {
  method: string;
  path: string;
  body?: Record<string, unknown>;
  signal: AbortSignal;
}

async function askApi({ api_key, api_url, method, path, body, signal }: ApiRequest): Promise<unknown> {
  const late = AbortSignal.timeout(defaultLimits.request_ms);
  try {
    const response = await fetch(`${api_url.replace(/(?<!\/)\/+$/, "")}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${api_key}`,
        "X-Daytona-Source": "sdk-typescript",
        ...(body ? { "Content-Type": "application/json" } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      // The key goes only to the address of the settings.
      redirect: "manual",
      signal: AbortSignal.any([signal, late]),
    });
    const bytes = await readBytes(response, ANSWER_BYTES);
    const answer = readJson(bytes);
    if (response.ok) return answer;
    const message = isRecord(answer) && typeof answer.message === "string" ? answer.message : "";
    throw new DaytonaFailure(message || `status ${response.status}`, { status: response.status });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DaytonaFailure) throw error;
    throw new DaytonaFailure(late.aborted ? "no answer in time" : "no connection", { is_timeout: late.aborted });
  }
}

function readJson(bytes: Uint8Array | null): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes ?? undefined) || "null");
  } catch {
    return null;
  }
}
