// Links to ports of a project's sandbox, for its tools and for people. Without a preview domain a link is the
// provider's own, signed for a limited time. With one it is a host under that domain, whose row in D1 holds the port
// and the expiry. In both cases a link is revoked through its row.
import { type Sandbox, SandboxError } from "../../agent/sandbox.ts";
import type { Workspace } from "../../agent/workspace.ts";
import type { Config } from "../../config.ts";
import { logError } from "../../lib/log.ts";
import { replaceMethods } from "../../lib/replace-methods.ts";
import { createTimedCache } from "../../lib/timed-cache.ts";
import { isPreviewDomain, newPreviewToken, type PreviewLink, previewUrl } from "../../protocol/preview.ts";
import type { ProjectSandbox } from "../../sandboxes/index.ts";
import { isMakerGone, ownerOfLive, ownerUnlessRevoked, REVOKED_AT } from "../../store/keys/maker.ts";
import type { NewAuditEntry } from "../../store/people/audit.ts";
import {
  deletePreview,
  extendPreview,
  findPreview,
  listPresentPreviews,
  listPreviews,
  putPreview,
  readPreview,
  replacePreview,
  type StoredPreview,
} from "../../store/projects/previews.ts";
import type { ProjectScope } from "../scope.ts";

const DAY_SECONDS = 24 * 60 * 60;

/** A working day and the following night. Tools expose the port again for a longer use. */
export const LINK_SECONDS = DAY_SECONDS;

/** For taking back a link that its maker may not make. The maker's own signal may have been aborted for that. */
export const UNDO_MS = 10_000;

/** More than any real project serves on. */
const MAX_LINKS = 50;

/** Each try can lose to a link that is made at the same time. */
const REPLACEMENTS_TRIED = 5;

/** How long another isolate may still serve a revoked link. In the revoking isolate it ends at once. */
const CACHED_MS = 5_000;

const links = createTimedCache<StoredPreview>({ now: () => Date.now(), keep_ms: CACHED_MS, max_entries: 1_000 });

export interface MadePreview extends PreviewLink {
  /** The id of the key that made it; null if that is not known. */
  made_by: string | null;
}

/** The link of a visitor's host. The caller checks its port and expiry. */
export async function readCachedPreview(database: D1Database, token: string): Promise<StoredPreview | null> {
  return await links.read(token, () => findPreview(database, token));
}

/** The same sandbox, whose `exposePort` stores its links. */
export function keepLinks(sandbox: ProjectSandbox, scope: ProjectScope): Sandbox {
  return replaceMethods<Sandbox>(sandbox, { exposePort: (port, signal) => exposePort(sandbox, scope, port, signal) });
}

/** For links that were ended elsewhere: this isolate serves them no longer. */
export function forgetLinks(tokens: string[]): void {
  for (const token of tokens) links.forget(token);
}

/**
 * A link under our own domain stays the same when the port is exposed again, so that open pages keep working. It keeps
 * its maker too, who knows it.
 */
async function exposePort(
  sandbox: ProjectSandbox,
  given: ProjectScope,
  port: number,
  signal: AbortSignal,
): Promise<PreviewLink> {
  const domain = readDomain(given);
  // Before anything is awaited: another run may have begun by then.
  const made_by = given.maker?.() ?? null;
  const run = given.run?.();
  const scope = { ...given, run: run && (() => run) };
  if (domain !== null) await sandbox.awaitListener(port, signal);
  const signed = domain === null ? await sandbox.exposePort(port, signal) : null;
  const owner = ownerUnlessRevoked(scope.user_id, made_by);
  let link = signed === null ? null : show(describe(scope, port, signed, made_by));
  try {
    const former = await findFormer(scope, port);
    if (former !== null && former.expires_at !== REVOKED_AT && isOwn(scope, former))
      link = await extend(scope, former, owner, entryOf(scope, port, made_by));
    else if (former !== null) await expire(scope, sandbox, former, signal);
    if (signed !== null)
      await storeSigned(scope, sandbox, describe(scope, port, signed, made_by), owner, former, signal);
    else link ??= await store(scope, { port, token: newPreviewToken(), made_by, seconds: LINK_SECONDS }, owner);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SandboxError) throw error;
    if (isMakerGone(error))
      throw new SandboxError("refused", "The API key that started this run was revoked, and what it makes with it.");
    // The provider's own link works without a row, and expires by itself.
    logError("preview_not_stored", error, { project_id: scope.project_id, port });
  }
  if (link === null) throw new SandboxError("failed", "The link could not be stored just now. Try again.");
  return link;
}

/**
 * Creates a link and revokes the port's former one. The port need not have a listener yet. Rejects if its maker is a
 * deleted key (`whileMakerLives`).
 */
export async function createPreview(
  scope: ProjectScope,
  workspace: Workspace,
  request: { port: number; seconds: number },
  signal: AbortSignal,
): Promise<MadePreview> {
  const { port, seconds } = request;
  const { provider } = scope;
  if (provider.own_ports.has(port)) throw new SandboxError("refused", `Port ${port} belongs to the sandbox itself.`);
  const domain = readDomain(scope);
  if (domain === null && seconds > provider.max_link_seconds) {
    const limit = describeSeconds(provider.max_link_seconds);
    throw new SandboxError("invalid", `expires_in_seconds: a link lasts for ${limit} at most on this server`);
  }
  const former = await findFormer(scope, port);
  if (former !== null) await expire(scope, workspace, former, signal);
  const made_by = scope.maker?.() ?? null;
  const owner = ownerOfLive(scope.user_id, made_by);
  if (domain !== null) return store(scope, { port, token: newPreviewToken(), seconds, made_by }, owner);
  const signed = await workspace.signLink(port, seconds, signal);
  const preview = describe(scope, port, signed, made_by);
  await storeSigned(scope, workspace, preview, owner, former, signal);
  return show(preview);
}

export async function readPreviews(scope: ProjectScope): Promise<MadePreview[]> {
  return (await listPreviews(scope.database, scope.user_id, scope.project_id, Date.now())).map(show);
}

/** False if the port has no link. */
export async function revokePreview(
  scope: ProjectScope,
  workspace: Workspace,
  port: number,
  signal: AbortSignal,
): Promise<boolean> {
  const preview = await readPreview(scope.database, scope.user_id, scope.project_id, port);
  if (preview === null) return false;
  await expire(scope, workspace, preview, signal);
  await deletePreview(scope.database, preview);
  links.forget(preview.token);
  return true;
}

/**
 * The port's current link, or a revoked one that the provider may still serve; null if it has none. Rejects if the
 * project has too many links for another one.
 */
async function findFormer(scope: ProjectScope, port: number): Promise<StoredPreview | null> {
  const present = await listPresentPreviews(scope.database, scope.user_id, scope.project_id, Date.now());
  const former = present.find((preview) => preview.port === port);
  const live = present.filter(({ expires_at }) => expires_at !== REVOKED_AT);
  if (former === undefined && live.length >= MAX_LINKS) {
    throw new SandboxError("invalid", `The project has ${MAX_LINKS} links already. Revoke one first.`);
  }
  return former ?? null;
}

/** Runs before the row is deleted or replaced: without the row the provider's own link could not be found. */
async function expire(
  scope: ProjectScope,
  workspace: Pick<Workspace, "expireLink">,
  preview: StoredPreview,
  signal: AbortSignal,
): Promise<void> {
  if (!isOwn(scope, preview)) await workspace.expireLink(preview.port, preview.token, signal);
  links.forget(preview.token);
}

/**
 * Stores a link that the provider signed in place of `former`, which is expired there already. Links of one port that are
 * made at the same time end each other, so that none opens without a row.
 */
async function storeSigned(
  scope: ProjectScope,
  workspace: Pick<Workspace, "expireLink">,
  preview: StoredPreview,
  owner: ReturnType<typeof ownerOfLive>,
  former: StoredPreview | null,
  signal: AbortSignal,
): Promise<void> {
  const entry = entryOf(scope, preview.port, preview.made_by);
  const undo = () => workspace.expireLink(preview.port, preview.token, AbortSignal.timeout(UNDO_MS));
  let before = former;
  try {
    for (let tries = 0; tries < REPLACEMENTS_TRIED; tries++) {
      if (await replacePreview(scope.database, preview, owner, before, entry)) return;
      before = await findFormer(scope, preview.port);
      if (before !== null) await expire(scope, workspace, before, signal);
    }
  } catch (error) {
    if (isMakerGone(error)) await undo();
    throw error;
  }
  await undo();
  throw new SandboxError("failed", `Port ${preview.port} is getting other links at the same time. Try again.`);
}

/** Null if the link has ended since it was read. */
async function extend(
  scope: ProjectScope,
  former: StoredPreview,
  owner: ReturnType<typeof ownerOfLive>,
  entry: NewAuditEntry | null,
): Promise<MadePreview | null> {
  const now = Date.now();
  const times = {
    created_at: new Date(now).toISOString(),
    expires_at: new Date(now + LINK_SECONDS * 1000).toISOString(),
  };
  const preview = { ...former, ...times };
  const isExtended = await extendPreview(scope.database, preview, owner, entry);
  links.forget(former.token);
  return isExtended ? show(preview) : null;
}

async function store(
  scope: ProjectScope,
  { port, token, seconds, made_by }: { port: number; token: string; seconds: number; made_by: string | null },
  owner: ReturnType<typeof ownerOfLive>,
): Promise<MadePreview> {
  const url = previewUrl(scope.config.preview_domain ?? "", port, token);
  const expires_at = new Date(Date.now() + seconds * 1000).toISOString();
  const preview = describe(scope, port, { token, url, expires_at }, made_by);
  await putPreview(scope.database, preview, owner, entryOf(scope, port, made_by));
  links.forget(token);
  return show(preview);
}

/**
 * For what an agent does: the link and its entry are one write. A request is recorded by its operation. `made_by`: the
 * key for which the run works.
 */
function entryOf(
  { user_id, project_id, run }: ProjectScope,
  port: number,
  made_by: string | null,
): NewAuditEntry | null {
  if (run === undefined) return null;
  const act = { action: "preview.create", target: String(port), details: { project_id } } as const;
  return { user_id, actor_id: user_id, key_id: made_by, ...act, source: { type: "agent", ...run() } };
}

function describe(
  { user_id, project_id }: ProjectScope,
  port: number,
  { token, url, expires_at }: { token: string; url: string; expires_at: string },
  made_by: string | null,
): StoredPreview {
  return { user_id, project_id, port, token, url, expires_at, created_at: new Date().toISOString(), made_by };
}

function show({ port, url, expires_at, made_by }: StoredPreview): MadePreview {
  return { port, url, expires_at, made_by };
}

/** Whether the link is under the server's current preview domain, and not the provider's own. */
export function isOwn(
  { config }: { config: Pick<Config, "preview_domain"> },
  { port, token, url }: StoredPreview,
): boolean {
  return config.preview_domain !== null && url === previewUrl(config.preview_domain, port, token);
}

function readDomain({ config }: ProjectScope): string | null {
  const { preview_domain } = config;
  if (preview_domain === null || isPreviewDomain(preview_domain)) return preview_domain;
  throw new SandboxError("failed", "The server's setting PREVIEW_DOMAIN is no domain: it takes `host` or `host:port`.");
}

function describeSeconds(seconds: number): string {
  return seconds === DAY_SECONDS ? `a day (${seconds})` : `${seconds} seconds`;
}
