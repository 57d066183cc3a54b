// What the server saw when it ran the checks of a run: page by page, and whole as a document. Each document is an
// operation of its own, so that each answers with one type (docs/decisions/0103-one-answer-one-type.md).
import { fail, type Result, succeed } from "../../../protocol/error.ts";
import type { Page, PageRequest } from "../../../protocol/page.ts";
import type { Receipt } from "../../../protocol/plan/check.ts";
import type { PlanWithDetails } from "../../../protocol/plan/details.ts";
import type { Plan } from "../../../protocol/plan/task.ts";
import type { ThreadKey } from "../../../protocol/thread.ts";
import { PAGE_BYTES, readStart } from "../../../store/messages.ts";
import { encodeCursor } from "../../../store/page.ts";
import { listReceipts, readReceiptsOfRun } from "../../../store/receipts/read.ts";
import { shortenReceipt } from "../../../store/receipts/shorten.ts";
import { readPlan } from "../../../store/tasks.ts";
import { callThread, type ThreadStub } from "../../../thread/stub.ts";
import type { App, AppContext } from "../../context.ts";
import { unwrap } from "../../errors.ts";
import { withRoom } from "../../lists/room.ts";
import { addOperation } from "../../operation.ts";
import { keyOf, readOfThread } from "../../ownership.ts";
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
        const page = await readOfThread(context, key, {
          fromStore: (db) => listReceipts(db, key, invocation_id, request, admit),
          fromObject: async (stub) => {
            await admit(PAGE_BYTES);
            const read = await readFromObject(stub, key, invocation_id);
            return read.ok ? pageOfObject(read.value, request) : read;
          },
        });
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
        const { plan, receipts, is_whole } = await readEvidence(context, key, invocation_id, admit);
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

function readEvidence(
  context: AppContext,
  key: ThreadKey,
  invocation_id: string,
  admit: (bytes: number) => Promise<void>,
): Promise<Evidence> {
  return readOfThread(context, key, {
    fromStore: async (db) => {
      const plan = await readPlan(db, key);
      return succeed(plan && { plan, ...(await readReceiptsOfRun(db, key, invocation_id, admit)) });
    },
    fromObject: async (stub) => {
      await admit(PAGE_BYTES);
      const read = await readFromObject(stub, key, invocation_id);
      return read.ok ? succeed({ ...read.value, receipts: read.value.seen.map(({ receipt }) => receipt) }) : read;
    },
  });
}

interface Evidence {
  plan: Plan;
  receipts: Receipt[];
  is_whole: boolean;
}

interface FromObject {
  plan: Plan;
  seen: { seq: number; receipt: Receipt }[];
  is_whole: boolean;
}

/** While D1 is away: the newest that the object reads at once, as D1 would have them. */
async function readFromObject(stub: ThreadStub, key: ThreadKey, invocation_id: string): Promise<Result<FromObject>> {
  const read: Result<PlanWithDetails> = await stub.readLedger(key, "receipts");
  if (!read.ok) return read;
  const { plan, receipts = [], receipt_seqs = [] } = read.value;
  const placed = receipts.map((receipt, at) => ({ seq: receipt_seqs[at] ?? at + 1, receipt: shortenReceipt(receipt) }));
  const seen = placed.filter(({ receipt }) => receipt.invocation_id === invocation_id);
  return succeed({ plan, seen, is_whole: (placed[0]?.seq ?? 1) === 1 });
}

function pageOfObject({ seen }: FromObject, request: PageRequest): Result<Page<Receipt>> {
  const start = readStart(request);
  if (!start.ok) return fail(start.error.code, start.error.detail);
  const rest = seen.filter(({ seq }) => seq > start.value);
  const shown = rest.slice(0, request.limit);
  const last = shown.at(-1);
  const next_cursor = last !== undefined && rest.length > shown.length ? encodeCursor([last.seq]) : null;
  return succeed({ data: shown.map(({ receipt }) => receipt), next_cursor });
}
