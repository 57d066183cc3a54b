// Downloads from a project's sandbox: a file as it is, a folder as an archive; with an API key, or in a browser with a
// ticket. A sandbox's content may attack a browser, and downloads come from the app's own origin. So a download is
// always an attachment, of a type that no browser renders, and sandboxed in case one does.
import { z } from "@hono/zod-openapi";
import type { FileStream } from "../../agent/workspace.ts";
import type { App, AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { watchKey } from "../../http/key-watch.ts";
import { type Answer, addOperation } from "../../http/operation.ts";
import { ticket } from "../../http/schemas.ts";
import { countOpen } from "../../http/stream.ts";
import { issueTicket, redeemTicket, TICKET_CHARACTERS, ticketScopes } from "../../http/tickets.ts";
import { requireAbility, withWatchedWorkspace, workspaceProblems } from "../../http/workspace.ts";
import { clientId } from "../../protocol/ids.ts";
import { downloadBody, filePath, folderPath } from "./schemas.ts";

const tag = "Sandboxes";
const params = z.object({ project_id: clientId });
const base = "/v1/projects/{project_id}/sandbox/files";
const OPEN_PATH = "/v1/download";

type Kind = "content" | "archive";

const types = { content: "application/octet-stream", archive: "application/gzip" } as const;
const headers = {
  "Content-Length": "Its size in bytes.",
  "Content-Disposition": "Always an attachment, with the file's name.",
};
const descriptions = {
  content: "The file, streamed.",
  archive: "The folder as a gzipped tar. It is packed before the first byte comes, for up to two minutes.",
};
// A 416 has no problem code: clients read only its status and header.
const parts: Record<number, Answer> = {
  206: {
    description:
      "The part that `Range` names, if that is one range. If the file has no such part, the answer is 416 without a body.",
    bytes: [types.content],
    headers: { ...headers, "Content-Range": "Which bytes these are, and the size of the file." },
  },
};
const problems = [...workspaceProblems, "invalid_field" as const, "forbidden" as const];

export function addDownloads(app: App): void {
  addDownload(app, "content", "Download a file", z.strictObject({ path: filePath }));
  addDownload(app, "archive", "Download a folder", z.strictObject({ path: folderPath }));
  addOperation(
    app,
    {
      method: "post",
      path: `${base}/ticket`,
      scope: ticketScopes.download,
      tag,
      summary: "Create a ticket for a download",
      description:
        "For links in a browser, which can't send a key. The address answers one download, once, within a minute. It starts or creates the sandbox.",
      params,
      body: downloadBody,
      answers: { 201: { description: "The address of the download.", schema: ticket } },
      problems: ["not_found", "not_configured"],
      quota: "tickets",
    },
    async (context, { params, body }) => {
      const target = { purpose: "download", path: OPEN_PATH, project_id: params.project_id } as const;
      const { url, expires_at } = await issueTicket(context, target, body);
      return context.json({ url: url.href, expires_at }, 201, { "cache-control": "no-store" });
    },
  );
}

const uses = "Starts or creates the sandbox. The answer is an attachment, so browsers save it and don't show it.";

function addDownload(app: App, kind: Kind, summary: string, query: z.ZodObject & z.ZodType<{ path: string }>): void {
  const whole: Answer = { description: descriptions[kind], bytes: [types[kind]], headers };
  const answers = kind === "content" ? { 200: whole, ...parts } : { 200: whole };
  addOperation(
    app,
    {
      method: "get",
      path: `${base}/${kind}`,
      scope: "run",
      tag,
      summary,
      description: uses,
      params,
      query,
      answers,
      problems,
    },
    (context, { params, query }) => answerDownload(context, params.project_id, kind, query.path),
  );
}

export function addTicketDownload(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: OPEN_PATH,
      tag,
      summary: "A download",
      description: "Answers what the ticket is for, as the operation with a key does.",
      open: true,
      query: z.object({ ticket: z.string().max(TICKET_CHARACTERS).default("") }),
      answers: { 200: { description: "The file, or the archive.", bytes: Object.values(types), headers }, ...parts },
      problems: [...problems, "unauthorized", "invalid_operation", "rate_limited"],
    },
    async (context, { query }) => {
      // A client that sends HEAD before GET would use the ticket up.
      if (context.req.raw.method === "HEAD") throw new Problem("invalid_operation", "This address is for a GET.");
      const { project_id, details } = await redeemTicket(context, "download", query.ticket);
      const { kind, path } = downloadBody().parse(details);
      return answerDownload(context, project_id, kind, path);
    },
  );
}

async function answerDownload(context: AppContext, project_id: string, kind: Kind, path: string): Promise<Response> {
  const close = countOpen(context, "transfers");
  const watch = watchKey(context);
  const stop = () => {
    close();
    watch.stop();
  };
  const opening = withWatchedWorkspace(context, project_id, watch, (workspace, signal) =>
    kind === "content"
      ? workspace.openFile(path, readRange(context), signal)
      : requireAbility(workspace.openArchive?.(path, signal), "downloads of folders"),
  );
  // If the client leaves meanwhile, the archive is still removed.
  context.executionCtx.waitUntil(opening.catch(() => undefined));
  try {
    const { answer, sent } = await answerFile(context, await opening, types[kind], watch.signal);
    context.executionCtx.waitUntil(sent.finally(stop));
    return answer;
  } catch (error) {
    stop();
    throw error;
  }
}

/**
 * A single byte range, as players and resumed downloads request it. Null for anything else: the whole file is a valid
 * answer.
 */
function readRange(context: AppContext): string | null {
  const range = context.req.header("range") ?? "";
  // Files have no version that `If-Range` could name.
  if (context.req.raw.method === "HEAD" || context.req.header("if-range") !== undefined) return null;
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range) ?? [];
  const isNone = first === "" ? last === "" : last !== "" && Number(last) < Number(first);
  return isNone ? null : range;
}

/** `sent` resolves when the whole body has been sent, or nobody takes it any more. */
async function answerFile(
  context: AppContext,
  { name, size, body, part }: FileStream,
  type: string,
  ended: AbortSignal,
): Promise<{ answer: Response; sent: Promise<void> }> {
  const sent = Promise.resolve();
  if (part?.startsWith("bytes */")) {
    return { answer: new Response(null, { status: 416, headers: { "content-range": part } }), sent };
  }
  const headers = {
    "content-type": type,
    "content-length": String(size),
    "content-disposition": nameAttachment(name),
    "content-security-policy": "sandbox",
    "cache-control": "private, no-store",
    ...(type === types.content ? { "accept-ranges": "bytes" } : {}),
    ...(part === undefined ? {} : { "content-range": part }),
  };
  if (context.req.raw.method === "HEAD") {
    await body.cancel();
    return { answer: new Response(null, { headers }), sent };
  }
  // A body that ends early breaks the connection, so that a short file does not look complete.
  const { readable, writable } = new FixedLengthStream(size);
  return {
    answer: new Response(readable, { status: part === undefined ? 200 : 206, headers }),
    sent: body.pipeTo(writable, { signal: ended }).catch(() => undefined),
  };
}

/** Plain ASCII for old clients, and the whole name in the encoding of RFC 5987. */
export function nameAttachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]/gu, "_").replace(/["\\%]/g, "_");
  const escaped = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${escaped}`;
}
