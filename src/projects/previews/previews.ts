// Links to ports of a project's sandbox, for its tools and for people. Without a domain for previews a link is the
// provider's own, signed for as long as it signs; with one it is a host under that domain, whose row in D1 says what it
// opens and until when.
// Either way the row is what a link can be revoked by.
import { type Sandbox, SandboxError } from "../../agent/sandbox.ts";
import type { Workspace } from "../../agent/workspace.ts";
import { logError } from "../../lib/log.ts";
import { replaceMethods } from "../../lib/replace-methods.ts";
import { createTimedCache } from "../../lib/timed-cache.ts";
import { isPreviewDomain, newPreviewToken, type PreviewLink, previewUrl } from "../../protocol/preview.ts";
import type { ProjectSandbox } from "../../sandboxes/index.ts";
import {
  deletePreview,
  findPreview,
  listPreviews,
  putPreview,
  readPreview,
  type StoredPreview,
} from "../../store/projects/previews.ts";
import type { ProjectPlace } from "../place.ts";

const DAY_SECONDS = 24 * 60 * 60;

/** A working day and the night after it; who is shown a link for longer is given a new one. */
export const LINK_SECONDS = DAY_SECONDS;

/** A project that serves on more ports than this is no project. */
const MAX_LINKS = 50;

/** How long another isolate may still open a link that was revoked; in its own it ends at once. */
const REMEMBERED_MS = 5_000;

const links = createTimedCache<StoredPreview>({ now: () => Date.now(), keep_ms: REMEMBERED_MS, max_entries: 1_000 });

/** The link that a visitor's host names, whose port and time the caller checks. */
export function recallPreview(database: D1Database, token: string): Promise<StoredPreview | null> {
  return links.read(token, () => findPreview(database, token));
}

/** The sandbox with links that are kept. */
export function keepLinks(sandbox: ProjectSandbox, place: ProjectPlace): Sandbox {
  return replaceMethods<Sandbox>(sandbox, { exposePort: (port, signal) => exposePort(sandbox, place, port, signal) });
}

/** A link of ours stays what it is when the port is exposed again: who has it open need not open another. */
async function exposePort(
  sandbox: ProjectSandbox,
  place: ProjectPlace,
  port: number,
  signal: AbortSignal,
): Promise<PreviewLink> {
  const domain = readDomain(place);
  if (domain !== null) await sandbox.awaitListener(port, signal);
  const signed = domain === null ? await sandbox.exposePort(port, signal) : null;
  let link = signed === null ? null : show(describe(place, port, signed));
  try {
    const former = await findFormer(place, port);
    const isKept = former !== null && isOwn(place, former);
    if (signed !== null) await putPreview(place.database, describe(place, port, signed));
    else link = await store(place, port, isKept ? former.token : newPreviewToken(), LINK_SECONDS);
    if (former !== null && !isKept) await sandbox.expireLink(port, former.token, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SandboxError && error.code === "invalid") throw error;
    // A link of the provider's own works without a row; it then ends by itself.
    logError("preview_not_stored", error, { project_id: place.project_id, port });
  }
  if (link === null) throw new SandboxError("failed", "The link could not be stored just now. Try again.");
  return link;
}

/** A new link; the port's former one is revoked. Nothing need listen yet. */
export async function createPreview(
  place: ProjectPlace,
  workspace: Workspace,
  request: { port: number; seconds: number },
  signal: AbortSignal,
): Promise<PreviewLink> {
  const { port, seconds } = request;
  const { provider } = place;
  if (provider.own_ports.has(port)) throw new SandboxError("refused", `Port ${port} belongs to the sandbox itself.`);
  const domain = readDomain(place);
  if (domain === null && seconds > provider.max_link_seconds) {
    const limit = describeSeconds(provider.max_link_seconds);
    throw new SandboxError("invalid", `expires_in_seconds: a link lasts for ${limit} at most on this server`);
  }
  const former = await findFormer(place, port);
  if (former !== null) await expire(place, workspace, former, signal);
  if (domain !== null) return store(place, port, newPreviewToken(), seconds);
  const signed = await workspace.signLink(port, seconds, signal);
  const preview = describe(place, port, signed);
  await putPreview(place.database, preview);
  return show(preview);
}

export async function readPreviews(place: ProjectPlace): Promise<PreviewLink[]> {
  return (await listPreviews(place.database, place.user_id, place.project_id, Date.now())).map(show);
}

/** False where the port has none. */
export async function revokePreview(
  place: ProjectPlace,
  workspace: Workspace,
  port: number,
  signal: AbortSignal,
): Promise<boolean> {
  const preview = await readPreview(place.database, place.user_id, place.project_id, port);
  if (preview === null) return false;
  await expire(place, workspace, preview, signal);
  await deletePreview(place.database, place.user_id, place.project_id, port);
  links.forget(preview.token);
  return true;
}

/** The port's live link. Rejects where it has none and there are too many. */
async function findFormer(place: ProjectPlace, port: number): Promise<StoredPreview | null> {
  const live = await listPreviews(place.database, place.user_id, place.project_id, Date.now());
  const former = live.find((preview) => preview.port === port);
  if (former === undefined && live.length >= MAX_LINKS) {
    throw new SandboxError("invalid", `The project has ${MAX_LINKS} links already. Revoke one first.`);
  }
  return former ?? null;
}

/** Before the row goes: a link of the provider's own could not be found any more. */
async function expire(
  place: ProjectPlace,
  workspace: Workspace,
  preview: StoredPreview,
  signal: AbortSignal,
): Promise<void> {
  if (!isOwn(place, preview)) await workspace.expireLink(preview.port, preview.token, signal);
  links.forget(preview.token);
}

async function store(place: ProjectPlace, port: number, token: string, seconds: number): Promise<PreviewLink> {
  const url = previewUrl(place.config.preview_domain ?? "", port, token);
  const expires_at = new Date(Date.now() + seconds * 1000).toISOString();
  const preview = describe(place, port, { token, url, expires_at });
  await putPreview(place.database, preview);
  links.forget(token);
  return show(preview);
}

function describe(
  { user_id, project_id }: ProjectPlace,
  port: number,
  link: { token: string; url: string; expires_at: string },
): StoredPreview {
  return { user_id, project_id, port, ...link, created_at: new Date().toISOString() };
}

function show({ port, url, expires_at }: StoredPreview): PreviewLink {
  return { port, url, expires_at };
}

/** Whether the link is one of ours, and not of the time before the server had this domain. */
function isOwn({ config }: ProjectPlace, { port, token, url }: StoredPreview): boolean {
  return config.preview_domain !== null && url === previewUrl(config.preview_domain, port, token);
}

function readDomain({ config }: ProjectPlace): string | null {
  const { preview_domain } = config;
  if (preview_domain === null || isPreviewDomain(preview_domain)) return preview_domain;
  throw new SandboxError("failed", "The server's setting PREVIEW_DOMAIN is no domain: it takes `host` or `host:port`.");
}

function describeSeconds(seconds: number): string {
  return seconds === DAY_SECONDS ? `a day (${seconds})` : `${seconds} seconds`;
}
