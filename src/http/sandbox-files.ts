// Files of a project's sandbox for people: listed, downloaded, uploaded, deleted, packed. Bytes pass through as they come, in
// either direction. What is in a sandbox may be hostile to a browser, and a download is answered from the app's own origin:
// it is therefore always an attachment, of a type that nothing renders, and sandboxed in case something does.
import { z } from "@hono/zod-openapi";
import type { FileInfo } from "../agent/sandbox.ts";
import type { FileStream } from "../agent/workspace.ts";
import { clientId } from "../protocol/ids.ts";
import { UPLOAD_BYTES } from "./body.ts";
import type { App, AppContext } from "./context.ts";
import { Problem } from "./errors.ts";
import { type Answer, addOperation } from "./operation.ts";
import { sandboxFile, sandboxFiles, wellFormed } from "./schemas.ts";
import { withWorkspace, workspaceProblems } from "./workspace.ts";

const tag = "Sandboxes";
const params = z.object({ project_id: clientId });
const base = "/v1/projects/{project_id}/sandbox/files";

// Longer ones are refused where paths are read; this keeps a megabyte of query from getting there.
const PATH_CHARACTERS = 8192;
const MAX_DEPTH = 10;

const path = wellFormed
  .max(PATH_CHARACTERS)
  .openapi({ description: "Relative to the work dir, or absolute within it." });
const folderPath = path.default("").openapi({ description: "A folder; the work dir if absent." });
const flag = z.enum(["0", "1", "false", "true"]).default("false");
const problems = [...workspaceProblems, "forbidden" as const];

const fileHeaders = {
  "Content-Length": "Its size in bytes.",
  "Content-Disposition": "Always an attachment, with the file's name.",
};

export function addSandboxFiles(app: App): void {
  addList(app);
  addDownload(app, "content", "Download a file", z.strictObject({ path: path.min(1) }), {
    description: "The file, streamed.",
    bytes: "application/octet-stream",
    headers: fileHeaders,
  });
  addDownload(app, "archive", "Download a folder", z.strictObject({ path: folderPath }), {
    description: "The folder as a gzipped tar. It is packed before the first byte comes, for up to two minutes.",
    bytes: "application/gzip",
    headers: fileHeaders,
  });
  addUpload(app);
  addDelete(app);
}

function addList(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: base,
      tag,
      summary: "List files of the sandbox",
      description:
        "Makes or starts the sandbox. What is in `node_modules` and `.git` is listed only when asked for by its path.",
      params,
      query: z.strictObject({ path: folderPath, depth: z.coerce.number().int().min(1).max(MAX_DEPTH).default(1) }),
      answers: {
        200: {
          description: "By path, at most 1,000; `truncated` says whether there are more.",
          schema: sandboxFiles,
        },
      },
      problems,
    },
    async (context, { params, query }) => {
      const { entries, is_cut } = await withWorkspace(context, params.project_id, (workspace, signal) =>
        workspace.listFiles(query.path, query.depth, signal),
      );
      return context.json({ data: entries.map(describeFile), truncated: is_cut });
    },
  );
}

function addDownload(
  app: App,
  kind: "content" | "archive",
  summary: string,
  query: z.ZodObject & z.ZodType<{ path: string }>,
  answer: Answer,
): void {
  addOperation(
    app,
    { method: "get", path: `${base}/${kind}`, tag, summary, params, query, answers: { 200: answer }, problems },
    async (context, { params, query }) => {
      const opening = withWorkspace(context, params.project_id, (workspace, signal) =>
        kind === "content" ? workspace.openFile(query.path, signal) : workspace.openArchive(query.path, signal),
      );
      // Where the client goes away meanwhile the archive is still removed.
      context.executionCtx.waitUntil(opening.catch(() => undefined));
      return answerFile(context, await opening, answer.bytes ?? "application/octet-stream");
    },
  );
}

function addUpload(app: App): void {
  addOperation(
    app,
    {
      method: "put",
      path: `${base}/content`,
      tag,
      summary: "Upload a file",
      description:
        "The body is the file, of any type, up to 100 MiB. Folders above it are made. It is put in its place when all of it has come: an upload that is cut changes nothing.",
      params,
      query: z.strictObject({ path: path.min(1) }),
      takesBytes: true,
      answers: {
        200: { description: "It replaced the file that was there.", schema: sandboxFile },
        201: { description: "It is new.", schema: sandboxFile },
      },
      problems,
    },
    async (context, { params, query }) => {
      const { raw } = context.req;
      if (Number(raw.headers.get("content-length") ?? 0) > UPLOAD_BYTES) {
        await raw.body?.cancel();
        throw new Problem("body_too_large", `The file is larger than ${UPLOAD_BYTES} bytes.`);
      }
      const content = raw.body ?? new Blob().stream();
      const writing = withWorkspace(context, params.project_id, (workspace, signal) =>
        workspace.writeFile(query.path, { content, limit_bytes: UPLOAD_BYTES }, signal),
      );
      // Where the client goes away what came of the file is still removed.
      context.executionCtx.waitUntil(writing.catch(() => undefined));
      const { file, is_new } = await writing;
      return context.json(describeFile(file), is_new ? 201 : 200);
    },
  );
}

function addDelete(app: App): void {
  addOperation(
    app,
    {
      method: "delete",
      path: `${base}/content`,
      tag,
      summary: "Delete a file or a folder",
      params,
      query: z.strictObject({
        path: path.min(1),
        recursive: flag.openapi({ description: "`true` is needed for a folder." }),
      }),
      answers: { 204: { description: "It is gone." } },
      problems,
    },
    async (context, { params, query }) => {
      const recursive = query.recursive === "1" || query.recursive === "true";
      await withWorkspace(context, params.project_id, (workspace, signal) =>
        workspace.deleteFile(query.path, recursive, signal),
      );
      return context.body(null, 204);
    },
  );
}

async function answerFile(context: AppContext, { name, size, body }: FileStream, type: string): Promise<Response> {
  const headers = {
    "content-type": type,
    "content-length": String(size),
    "content-disposition": nameAttachment(name),
    "content-security-policy": "sandbox",
    "cache-control": "private, no-store",
  };
  if (context.req.raw.method === "HEAD") {
    await body.cancel();
    return new Response(null, { headers });
  }
  // A body that ends early breaks the connection: a short file must not look whole.
  const { readable, writable } = new FixedLengthStream(size);
  context.executionCtx.waitUntil(body.pipeTo(writable).catch(() => undefined));
  return new Response(readable, { headers });
}

/** Plain ASCII for clients that know no better, and the whole name as RFC 5987 spells it. */
export function nameAttachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]/gu, "_").replace(/["\\%]/g, "_");
  const escaped = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${escaped}`;
}

function describeFile({ path, size, is_dir, modified_at }: FileInfo): z.infer<typeof sandboxFile> {
  return { path, name: path.slice(path.lastIndexOf("/") + 1), size, is_dir, modified_at };
}
