// What the server saw when it ran the checks of a run: page by page, and whole as a document. Each document is an
// operation of its own, so that each answers with one type (docs/decisions/0103-one-answer-one-type.md).
import type { ThreadKey } from "../../../protocol/thread.ts";
import { listReceipts, readReceiptsOfRun } from "../../../store/receipts/read.ts";
import { callThread } from "../../../thread/stub.ts";
import type { App, AppContext } from "../../context.ts";
import { Problem, unwrap } from "../../errors.ts";
import { withRoom } from "../../lists/room.ts";
import { addOperation } from "../../operation.ts";
import { keyOf } from "../../ownership.ts";
import { pageOf, pageQuery, runParams } from "../../schemas.ts";
import { seenReceipt } from "../plan/schemas.ts";
import { writeJunit } from "./junit.ts";
import { writeMarkdown } from "./markdown.ts";
import { makeReport, type Report } from "./report.ts";

const tag = "Runs";
const path = "/v1/threads/{thread_id}/runs/{invocation_id}/receipts";

interface Format {
  /** The last part of the path. */
  name: string;
  summary: string;
  description: string;
  text: "text/markdown" | "application/xml";
  ending: string;
  write: (report: Report) => string;
}

const formats: Format[] = [
  {
    name: "markdown",
    summary: "Export receipts of a run as Markdown",
    description: "All receipts of the run for people, by task and check, each time that it ran.",
    ...{ text: "text/markdown", ending: "md", write: writeMarkdown },
  },
  {
    name: "junit",
    summary: "Export receipts of a run as JUnit XML",
    description: "All receipts of the run for CI: a suite for each task, a case for each check with its last receipt.",
    ...{ text: "application/xml", ending: "xml", write: writeJunit },
  },
];

export function addReceipts(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path,
      tag,
      summary: "List receipts of a run",
      description:
        "What the server saw when it ran checks of tasks during the run, oldest first. Outputs have their first and last 4,000 characters. A page ends at `limit` receipts or about 4 MB, whichever comes first.",
      params: runParams,
      query: pageQuery,
      answers: { 200: { description: "Receipts.", schema: pageOf(seenReceipt) } },
      problems: ["not_found", "bad_cursor"],
    },
    async (context, { params, query }) => {
      const key = keyOf(context, params.thread_id);
      const { invocation_id } = params;
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      unwrap(await callThread(context.env, key, (stub) => stub.getRun(key, invocation_id)));
      return await withRoom(context, async (admit) => {
        const page = unwrap(await listReceipts(await currentStore(context, key), key, invocation_id, request, admit));
        return context.json(page);
      });
    },
  );
  for (const format of formats) addExport(app, format);
}

function addExport(app: App, { name, summary, description, text, ending, write }: Format): void {
  addOperation(
    app,
    {
      method: "get",
      path: `${path}/${name}`,
      tag,
      summary,
      description: `${description} Checks that never ran are in it as such. With more than 2,000 receipts or 4 MB it has the newest, and says so.`,
      params: runParams,
      answers: {
        200: { description: "The document.", text, headers: { "Content-Disposition": "The document's file name." } },
      },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      const { invocation_id } = params;
      const run = unwrap(await callThread(context.env, key, (stub) => stub.getRun(key, invocation_id)));
      return await withRoom(context, async (admit) => {
        const plan = unwrap(await callThread(context.env, key, (stub) => stub.readPlan(key)));
        const db = await currentStore(context, key);
        const { receipts, is_whole } = await readReceiptsOfRun(db, key, invocation_id, admit);
        return context.body(write(makeReport(run, plan, receipts, is_whole)), 200, {
          "content-type": `${text}; charset=utf-8`,
          "content-disposition": `attachment; filename="receipts-${invocation_id}.${ending}"`,
          "content-security-policy": "sandbox",
          "cache-control": "private, no-store",
        });
      });
    },
  );
}

/** D1 has more receipts than the object keeps. Throws `overloaded` while it lacks the newest. */
async function currentStore({ env }: AppContext, key: ThreadKey): Promise<D1Database> {
  if (unwrap(await callThread(env, key, (stub) => stub.sync(key)))) return env.DB;
  throw new Problem("overloaded", "The newest receipts are not stored yet. Try again in a moment.");
}
