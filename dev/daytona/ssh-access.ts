/**
 * SSH access to a sandbox: the holder of its newest token may enter until the token expires.
 */
import { randomInt, randomUUID } from "node:crypto";
import { equal } from "./access.ts";
import { sendJson } from "./bodies.ts";
import type { ServerContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import type { SshAccess } from "./records.ts";
import { type Exchange, type Handler, parameter, query, requireQuery } from "./routes.ts";
import { describeSandbox } from "./sandbox-views.ts";
import type { Sandbox, Sandboxes } from "./sandboxes.ts";

const defaultMinutes = 60;
/** A year. */
const maxMinutes = 525_600;
const minuteMs = 60_000;
/** A token is a user name on a command line: letters and digits only, about 190 bits. */
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const tokenCharacters = 32;

export const sshRoutes: Record<string, Handler<ServerContext>> = {
  "POST /sandbox/{id}/ssh-access": create,
  "DELETE /sandbox/{id}/ssh-access": revoke,
  "GET /sandbox/ssh-access/validate": (exchange, { sandboxes, rules, access }) => {
    // apps/api/src/sandbox/controllers/sandbox.controller.ts, SshGatewayAuthContextGuard: only for the gateway's key.
    if (rules.mode === "0.190" && !access.isGateway(exchange.request)) throw new HttpError(403, "Forbidden resource");
    const sandbox = findByToken(sandboxes, requireQuery(exchange, "token"));
    sendJson(exchange.response, 200, { valid: sandbox !== undefined, sandboxId: sandbox?.record.id ?? null });
  },
};

/** Compares with every token, so that the duration reveals nothing about any. */
export function findByToken(sandboxes: Sandboxes, token: string): Sandbox | undefined {
  return sandboxes
    .all()
    .filter((sandbox) => equal(sandbox.record.sshAccess?.token ?? "", token) && hasSshAccess(sandbox))[0];
}

export function hasSshAccess({ record: { sshAccess } }: Sandbox): boolean {
  return sshAccess !== undefined && Date.parse(sshAccess.expiresAt) > Date.now();
}

async function create(exchange: Exchange, context: ServerContext): Promise<void> {
  const sandbox = context.sandboxes.require(parameter(exchange, "id"));
  const minutes = readMinutes(query(exchange, "expiresInMinutes"));
  const port = await context.sshPort();
  const now = Date.now();
  const access: SshAccess = {
    id: randomUUID(),
    token: Array.from({ length: tokenCharacters }, () => letters.charAt(randomInt(letters.length))).join(""),
    createdAt: new Date(now).toISOString(),
    updatedAt: new Date(now).toISOString(),
    expiresAt: new Date(now + minutes * minuteMs).toISOString(),
  };
  sandbox.record.sshAccess = access;
  await context.sandboxes.save(sandbox);
  const sshCommand = `ssh -p ${port} ${access.token}@127.0.0.1`;
  sendJson(exchange.response, 200, { ...access, sandboxId: sandbox.record.id, sshCommand });
}

function readMinutes(text: string | undefined): number {
  if (text === undefined || text === "") return defaultMinutes;
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= maxMinutes)) {
    throw new HttpError(400, `expiresInMinutes must be a number above 0, ${maxMinutes} at most`);
  }
  return minutes;
}

/** Open connections stay, as with the real gateway, which checks the token when they begin. */
async function revoke(exchange: Exchange, context: ServerContext): Promise<void> {
  const sandbox = context.sandboxes.require(parameter(exchange, "id"));
  const token = query(exchange, "token");
  const { sshAccess } = sandbox.record;
  if (sshAccess && (token === undefined || token === "" || equal(sshAccess.token, token))) {
    sandbox.record.sshAccess = undefined;
    await context.sandboxes.save(sandbox);
  }
  sendJson(exchange.response, 200, describeSandbox(sandbox, context.origin()));
}
