// What starts a run is two operations: one answers with the run, the other with its events. A client that is generated
// from the description then has one type for each answer (docs/decisions/0103-one-answer-one-type.md). The first
// answers with events, too, if the client's `Accept` names them: that came before.
import type { App, AppContext } from "../../context.ts";
import { addOperation, type Operation } from "../../operation.ts";
import type { Input } from "../../specification.ts";
import { wantsStream } from "../../stream.ts";
import { type Awaited, type Start, startRun } from "./accept.ts";
import { type LeaveQuery, leaveQuery, startAnswers, startQuery, streamAnswers } from "./schemas.ts";

type Starting<Params, Headers, Body> = Omit<
  Operation<Params, unknown, Headers, Body>,
  "query" | "answers" | "audit" | "replaces"
>;

type Begin<Params, Headers, Body> = (
  context: AppContext,
  input: Input<Params, LeaveQuery, Headers, Body>,
) => Promise<Start>;

/** `begin` checks the request. Nothing has happened until what it returns is started. */
export function addBoth<Params, Headers, Body>(
  app: App,
  operation: Starting<Params, Headers, Body>,
  begin: Begin<Params, Headers, Body>,
): void {
  const { path, summary, description = "" } = operation;
  addStarting(app, operation, begin);
  addOperation(
    app,
    {
      ...operation,
      path: `${path}/stream`,
      summary: `${summary}, and watch it`,
      description: `${description} Answers with the events of the run, whatever \`Accept\` says. The run continues without readers unless \`on_disconnect\` is \`cancel\`.`,
      query: leaveQuery,
      answers: streamAnswers,
    },
    async (context, input) => startRun(context, await begin(context, input), "events"),
  );
}

function addStarting<Params, Headers, Body>(
  app: App,
  operation: Starting<Params, Headers, Body>,
  begin: Begin<Params, Headers, Body>,
): void {
  const { path, description = "" } = operation;
  addOperation(
    app,
    {
      ...operation,
      description: `${description} With \`Accept: text/event-stream\` it answers as \`POST ${path}/stream\` does.`,
      query: startQuery,
      answers: startAnswers,
    },
    async (context, input) => startRun(context, await begin(context, input), awaitedOf(context, input.query.wait)),
  );
}

function awaitedOf(context: AppContext, wait: string | undefined): Awaited {
  if (wantsStream(context)) return "events";
  return wait === "1" || wait === "true" ? "end" : "acceptance";
}
