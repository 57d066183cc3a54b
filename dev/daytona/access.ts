/**
 * Authentication: API keys, preview tokens, signed preview hosts, and the cookies that browsers get for them.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type HttpError, invalidKeyMessage, notStartedMessage, refuseAtProxy } from "./http.ts";
import type { Sandbox } from "./sandboxes.ts";

const cookieSeconds = 3600;
export const tokenHeader = "x-daytona-preview-token";
export const tokenQuery = "DAYTONA_SANDBOX_AUTH_KEY";
/** apps/proxy/pkg/proxy/get_sandbox_target.go, validateAndCache and getSandboxRunnerInfo */
const validatedMs = 2 * 60_000;
const cookiePrefix = "daytona-sandbox-auth-";

export class Access {
  readonly #apiKey: string | undefined;
  /** A new secret with each server, so cookies end with the server that set them. */
  readonly #cookieSecret = randomBytes(32);
  /** Digests of keys that this server has accepted. A preview never passes one of them to user code. */
  readonly #seenKeys = new Set<string>();

  /** Until when the proxy remembers that a key leads to a sandbox, and where the sandbox runs. */
  readonly #validated = new Map<string, number>();
  readonly #now: () => number;

  readonly #gatewayKey: string | undefined;

  constructor(apiKey: string | undefined, now: () => number = Date.now, gatewayKey?: string) {
    this.#apiKey = apiKey;
    this.#gatewayKey = gatewayKey;
    this.#now = now;
  }

  /** What the proxy says to a valid key about a sandbox that is gone: it learns of that when its caches expire. */
  refuseGone(id: string): HttpError {
    if ((this.#validated.get(id) ?? 0) > this.#now()) return refuseAtProxy(400, notStartedMessage);
    return refuseAtProxy(401, invalidKeyMessage);
  }

  noteValidated(id: string): void {
    if ((this.#validated.get(id) ?? 0) <= this.#now()) this.#validated.set(id, this.#now() + validatedMs);
  }

  /** Without a configured key, any key is accepted: the server listens on loopback, and clients always send one. */
  hasKey(request: IncomingMessage): boolean {
    const key = bearer(request);
    if (key === undefined) return false;
    if (this.#apiKey !== undefined && !equal(key, this.#apiKey)) return false;
    if (this.#seenKeys.size < 1_000) this.#seenKeys.add(digest(key));
    return true;
  }

  /** Whether the request comes from the SSH gateway, whose key opens nothing else. */
  isGateway(request: IncomingMessage): boolean {
    const key = bearer(request);
    return key !== undefined && this.#gatewayKey !== undefined && equal(key, this.#gatewayKey);
  }

  /** Whether the Authorization header holds a key of this server rather than one of the user's own application. */
  carriesKnownKey(request: IncomingMessage): boolean {
    const key = bearer(request);
    return (
      key !== undefined && (this.#seenKeys.has(digest(key)) || (this.#apiKey !== undefined && equal(key, this.#apiKey)))
    );
  }

  hasToken(request: IncomingMessage, url: URL, sandbox: Sandbox): boolean {
    const given = request.headers[tokenHeader] ?? url.searchParams.get(tokenQuery);
    return typeof given === "string" && sandbox.record.authToken !== "" && equal(given, sandbox.record.authToken);
  }

  hasCookie(request: IncomingMessage, sandbox: Sandbox): boolean {
    const value = readCookies(request).get(cookiePrefix + sandbox.record.id);
    const [expires = "", signature = ""] = value?.split(".") ?? [];
    return Number(expires) > Date.now() && equal(signature, this.#sign(sandbox, expires));
  }

  cookie(sandbox: Sandbox): string {
    const expires = String(Date.now() + cookieSeconds * 1000);
    const value = `${expires}.${this.#sign(sandbox, expires)}`;
    return `${cookiePrefix}${sandbox.record.id}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${cookieSeconds}`;
  }

  /** Bound to the preview token, and so to one start of the sandbox. */
  #sign(sandbox: Sandbox, expires: string): string {
    const text = `${sandbox.record.id}.${sandbox.record.authToken}.${expires}`;
    return createHmac("sha256", this.#cookieSecret).update(text).digest("base64url");
  }
}

function bearer(request: IncomingMessage): string | undefined {
  const match = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? "");
  return match?.[1];
}

/** Compares digests, so the duration reveals neither content nor length. */
export function equal(a: string, b: string): boolean {
  return timingSafeEqual(createHash("sha256").update(a).digest(), createHash("sha256").update(b).digest());
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function readCookies(request: IncomingMessage): Map<string, string> {
  const pairs = (request.headers.cookie ?? "").split(";").map((pair): [string, string] => {
    const index = pair.indexOf("=");
    return [pair.slice(0, Math.max(index, 0)).trim(), pair.slice(index + 1).trim()];
  });
  return new Map(pairs);
}

/** The cookie header as user code sees it, without this server's cookies. */
export function stripCookies(header: string): string {
  return header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => !pair.startsWith(cookiePrefix))
    .join("; ");
}
