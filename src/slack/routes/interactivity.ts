// Receives clicks in Slack, and the form for an answer in a person's own words. A click that a crash loses can be made
// again, so Slack may be answered before the work is done. A repeated click has no second effect.
import type { App, AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { addOperation } from "../../http/operation.ts";
import { isRecord } from "../../lib/is-record.ts";
import { isTerminal } from "../../protocol/run.ts";
import { callThread } from "../../thread/stub.ts";
import type { CallSlack } from "../api.ts";
import {
  FORM_CHARACTERS,
  FORM_FIELD,
  type PressedPlace,
  readInteraction,
  type SlackInteraction,
  toForm,
} from "../interactions.ts";
import { threadsOfPlace } from "../run.ts";
import { choicesOf, closeShown } from "../show/questions.ts";
import { type ConnectedWorkspace, openSlackWorkspace } from "../workspaces.ts";
import { type AnswerOutcome, findAsked, giveAnswer, takeBack, withBlocks } from "./answers.ts";
import { DISABLED, sayDisabled } from "./disabled.ts";
import { requireOwnApp } from "./own-app.ts";
import { answerInTime, continueInBackground, logIgnored, notifyPerson, readSigned, slackPorts } from "./requests.ts";
import { slackInteraction, slackReply } from "./schemas.ts";

type Click = Extract<SlackInteraction, { kind: "click" }>;
type Form = Extract<SlackInteraction, { kind: "form" }>;

/** What is wrong with a form, as plain text that mentions nobody; null if nothing is. */
type FormError = string | null;

const NOT_OPEN = "This is not open any more: it was answered elsewhere, has expired, or the conversation went on.";
const NO_FORM = "The form could not be opened. Press the button again, or reply in this thread.";
const NOT_TAKEN = "Your answer could not be taken. Give it again.";
const NOT_CONNECTED = "This workspace is not connected to an account.";
const FOREIGN = "This button belongs to another conversation.";

export function addSlackInteractivity(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/integrations/slack/interactivity",
      tag: "Slack",
      open: true,
      summary: "Buttons and forms of Slack",
      description: "Signed by Slack. Answers what a run asked, or stops a run.",
      takes: slackInteraction,
      answers: {
        200: {
          description: "It is accepted or ignored. The body says what is wrong with a form.",
          schema: slackReply,
          text: "text/plain",
        },
      },
      problems: ["unauthorized", "forbidden", "bad_json", "invalid_field", "not_configured"],
      records: ["approval.approve", "approval.deny"],
    },
    async (context) => {
      const payload = readPayload(await readSigned(context));
      requireOwnApp(context, isRecord(payload) ? payload.api_app_id : null);
      const interaction = readInteraction(payload);
      if (interaction === null) throw new Problem("invalid_field", "The body is not a Slack interaction.");
      const work = handle(context, interaction);
      const inTime = await answerInTime<{ error: FormError } | null>(context, wrap(work), null);
      if (inTime === null && interaction.kind === "form")
        continueInBackground(context, notifyLate(context, interaction, work));
      const error = inTime?.error ?? null;
      return error === null ? context.text("") : context.json(showFormError(error));
    },
  );
}

function readPayload(text: string): unknown {
  const payload = new URLSearchParams(text).get("payload");
  try {
    return JSON.parse(payload ?? "");
  } catch {
    throw new Problem("bad_json", "The form's payload is missing, or is not JSON.");
  }
}

async function wrap(work: Promise<FormError>): Promise<{ error: FormError }> {
  return { error: await work };
}

/** Notifies the person of an error after Slack has closed the form as if it had been accepted. */
async function notifyLate(context: AppContext, { place }: Form, work: Promise<FormError>): Promise<void> {
  const error = await work.catch(() => NOT_TAKEN);
  if (error === null) return;
  const { call } = unwrap(await openSlackWorkspace(slackPorts(context), place.team_id));
  await notify(call, place, error);
}

async function handle(context: AppContext, interaction: SlackInteraction): Promise<FormError> {
  // Slack sends clicks on links too.
  if (interaction.kind === "ignored") return null;
  const { place } = interaction;
  const opened = await openSlackWorkspace(slackPorts(context), place.team_id);
  if (!opened.ok && opened.error.code === "not_found") {
    logIgnored("unknown_workspace", place.team_id);
    return interaction.kind === "form" ? NOT_CONNECTED : null;
  }
  const connected = unwrap(opened);
  if (connected.is_resting) {
    if (interaction.kind === "form") return DISABLED;
    await sayDisabled(context, connected, place);
    return null;
  }
  const named = interaction.kind === "click" ? interaction.action.thread_id : interaction.thread_id;
  if (!(await threadsOfPlace(place)).includes(named)) {
    logIgnored("foreign_button", place.team_id);
    if (interaction.kind === "form") return FOREIGN;
    await notify(connected.call, place, FOREIGN);
    return null;
  }
  return interaction.kind === "form"
    ? await takeForm(context, connected, interaction)
    : await takeClick(context, connected, interaction);
}

async function takeClick(context: AppContext, connected: ConnectedWorkspace, click: Click): Promise<null> {
  const { place, action, trigger_id, blocks } = click;
  if (action.kind === "answer") {
    // This call comes first, because a click's `trigger_id` is valid for three seconds.
    const shown = await connected.call("views.open", { trigger_id, view: toForm(click) });
    if (shown.kind !== "done") await notify(connected.call, place, NO_FORM);
    return null;
  }
  if (action.kind === "stop") return await stop(context, connected, click);
  const { thread_id, invocation_id } = action;
  const asked = await findAsked(context, connected, place, { thread_id, invocation_id }, blocks);
  if (asked === null) {
    const { channel, ts } = place;
    if (blocks.length > 0) await connected.call("chat.update", { channel, ts, ...closeShown(blocks) });
    await notify(connected.call, place, NOT_OPEN);
    return null;
  }
  const interrupt = asked.run.interrupts.find(({ id }) => id === action.interrupt_id);
  if (interrupt === undefined) {
    await notify(connected.call, place, NOT_OPEN);
    return null;
  }
  const chosen = action.kind === "choice" ? choicesOf(interrupt)[action.place ?? -1] : action.kind;
  const isDecision = action.kind === "approve" || action.kind === "decline";
  if (chosen === undefined || (isDecision && interrupt.reason === "question")) {
    await notify(connected.call, place, NOT_OPEN);
    return null;
  }
  const outcome =
    action.kind === "change"
      ? await takeBack(context.env, asked, interrupt)
      : await giveAnswer(context, asked, interrupt, chosen);
  const note = describe(outcome);
  if (note !== null) await notify(connected.call, place, note);
  return null;
}

async function stop(context: AppContext, connected: ConnectedWorkspace, { place, action }: Click): Promise<null> {
  const key = { user_id: connected.workspace.user_id, thread_id: action.thread_id };
  const found = await callThread(context.env, key, (stub) => stub.getRun(key, action.invocation_id));
  if (!found.ok || isTerminal(found.value.status)) {
    await notify(connected.call, place, "This has ended already.");
    return null;
  }
  unwrap(await callThread(context.env, key, (stub) => stub.cancel(key, action.invocation_id)));
  return null;
}

async function takeForm(context: AppContext, connected: ConnectedWorkspace, form: Form): Promise<FormError> {
  const text = form.text?.toWellFormed().trim() ?? "";
  if (text === "") return "Write an answer.";
  if (text.length > FORM_CHARACTERS) return `An answer has ${FORM_CHARACTERS} characters at most.`;
  const { thread_id, invocation_id, place } = form;
  const asked = await findAsked(context, connected, place, { thread_id, invocation_id }, []);
  const interrupt = asked?.run.interrupts.find(({ id }) => id === form.interrupt_id);
  if (asked === null || interrupt?.reason !== "question") return NOT_OPEN;
  // The message has the answers to the other questions, and a form does not contain it.
  const blocks = asked.run.interrupts.length === 1 ? [] : await readBlocks(connected.call, place);
  if (blocks === null) return "Slack could not be asked for the other answers. Send it again.";
  const outcome = await giveAnswer(context, withBlocks(asked, blocks), interrupt, text);
  return outcome.kind === "late" && outcome.by !== null ? "This was answered already." : describe(outcome);
}

/** Returns the message's blocks as they are now; null if Slack does not return them. */
async function readBlocks(call: CallSlack, { channel, ts, thread_ts }: PressedPlace): Promise<unknown[] | null> {
  const range = { oldest: ts, latest: ts, inclusive: true, limit: 2 };
  const answer = await call("conversations.replies", { channel, ts: thread_ts, ...range });
  const messages = answer.kind === "done" && Array.isArray(answer.body.messages) ? answer.body.messages : [];
  const found = messages.find((message: { ts?: unknown } | null) => message?.ts === ts) as
    | { blocks?: unknown }
    | undefined;
  return Array.isArray(found?.blocks) ? found.blocks : null;
}

function describe(outcome: AnswerOutcome): string | null {
  if (outcome.kind === "taken") return null;
  if (outcome.kind === "refused") return outcome.detail;
  return outcome.by === null ? NOT_OPEN : `This was answered already, by <@${outcome.by}>.`;
}

function showFormError(text: string): Record<string, unknown> {
  return { response_action: "errors", errors: { [FORM_FIELD]: text } };
}

function notify(call: CallSlack, { channel, user_id, thread_ts }: PressedPlace, text: string): Promise<void> {
  return notifyPerson(call, { channel, user_id, thread_ts }, text);
}
