// Lists, uploads and deletes files of a project's sandbox, for people. An upload is streamed through.
import { z } from "@hono/zod-openapi";
import type { FileInfo } from "../../agent/sandbox.ts";
import { UPLOAD_BYTES } from "../../http/body.ts";
import type { App } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { addOperation } from "../../http/operation.ts";
import { countOpen } from "../../http/stream.ts";
import { withWorkspace, workspaceProblems } from "../../http/workspace.ts";
import { clientId } from "../../protocol/ids.ts";
import { filePath, folderPath, sandboxFile, sandboxFiles } from "./schemas.ts";

const tag = "Sandboxes";
const params = z.object({ project_id: clientId });
const base = "/v1/projects/{project_id}/sandbox/files";

const MAX_DEPTH = 10;

const flag = z.enum(["0", "1", "false", "true"]).default("false");
const problems = [...workspaceProblems, "forbidden" as const];

export function addSandboxFiles(app: App): void {
  addList(app);
  addUpload(app);
  addDelete(app);
}

function addList(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: base,
      // It makes or starts the sandbox. A run could show the files, too.
      scope: "run",
      tag,
      summary: "List files of the sandbox",
      description:
        "Starts or creates the sandbox. The contents of `node_modules` and `.git` are listed only if `path` names them.",
      params,
      query: z.strictObject({ path: folderPath, depth: z.coerce.number().int().min(1).max(MAX_DEPTH).default(1) }),
      answers: {
        200: {
          description: "Files by path, at most 1,000. `truncated` says whether there are more.",
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

function addUpload(app: App): void {
  addOperation(
    app,
    {
      method: "put",
      path: `${base}/content`,
      tag,
      summary: "Upload a file",
      description:
        "The body is the file, of any type, up to 100 MiB. Missing folders are created. The file is put in its place once all of it has arrived, so an upload that breaks off changes nothing.",
      params,
      query: z.strictObject({ path: filePath }),
      takes: "bytes",
      answers: {
        200: { description: "The file replaced an existing one.", schema: sandboxFile },
        201: { description: "The file is new.", schema: sandboxFile },
      },
      problems,
    },
    async (context, { params, query }) => {
      const { raw } = context.req;
      // Browsers and other programs send forms this way, and the multipart envelope would become part of the file.
      if (/^multipart\/form-data\b/i.test(raw.headers.get("content-type") ?? "")) {
        await raw.body?.cancel();
        throw new Problem("invalid_field", "The body is the file itself, not a form that holds it.");
      }
      if (Number(raw.headers.get("content-length") ?? 0) > UPLOAD_BYTES) {
        await raw.body?.cancel();
        throw new Problem("body_too_large", `The file is larger than ${UPLOAD_BYTES} bytes.`);
      }
      const close = countOpen(context, "transfers");
      const content = raw.body ?? new Blob().stream();
      const writing = withWorkspace(context, params.project_id, (workspace, signal) =>
        workspace.writeFile(query.path, { content, limit_bytes: UPLOAD_BYTES }, signal),
      );
      // If the client leaves meanwhile, the partial file is still removed.
      context.executionCtx.waitUntil(writing.catch(() => undefined).finally(close));
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
      description: "Starts or creates the sandbox. What is deleted can't be restored.",
      params,
      query: z.strictObject({
        path: filePath,
        recursive: flag.openapi({ description: "`true` is needed for a folder." }),
      }),
      answers: { 204: { description: "It is deleted." } },
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

function describeFile({ path, size, is_dir, modified_at }: FileInfo): z.infer<ReturnType<typeof sandboxFile>> {
  return { path, name: path.slice(path.lastIndexOf("/") + 1), size, is_dir, modified_at };
}
