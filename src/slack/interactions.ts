// Parses clicks on our buttons, and the form for an answer in a person's own words, from Slack's JSON. Every field is
// validated.
import { z } from "zod";
import { isRecord } from "../lib/is-record.ts";
import { cutEnd } from "../lib/truncate.ts";
import { late } from "../protocol/schemas/late.ts";
import { slackId, slackTime } from "./events.ts";
import { parseJson, readAction, type SlackAction } from "./show/actions.ts";

/** Who clicked, and in which of our messages. */
export interface PressedPlace {
  team_id: string;
  user_id: string;
  user_team_id: string;
  channel: string;
  /** The message with the button. */
  ts: string;
  thread_ts: string;
}

/** What a form answers. Slack returns it unchanged with the form. */
const formTarget = late(() =>
  z.object({
    t: z.string().min(1).max(100),
    r: z.string().min(1).max(100),
    i: z.string().min(1).max(300),
    channel: slackId,
    ts: slackTime,
    thread_ts: slackTime,
  }),
);

export type SlackInteraction =
  | { kind: "ignored"; reason: string }
  | { kind: "click"; place: PressedPlace; action: SlackAction; trigger_id: string; blocks: unknown[] }
  | {
      kind: "form";
      place: PressedPlace;
      thread_id: string;
      invocation_id: string;
      interrupt_id: string;
      /** The answer as it was written; null if the form has no such field. */
      text: string | null;
    };

const who = late(() =>
  z.object({
    team: z.object({ id: slackId }).nullish(),
    user: z.object({ id: slackId, team_id: slackId.nullish() }),
  }),
);

const click = late(() =>
  who().extend({
    trigger_id: z.string().max(500).default(""),
    channel: z.object({ id: slackId }).nullish(),
    container: z.object({
      message_ts: slackTime.nullish(),
      thread_ts: slackTime.nullish(),
      channel_id: slackId.nullish(),
    }),
    message: z
      .object({ ts: slackTime.nullish(), thread_ts: slackTime.nullish(), blocks: z.array(z.unknown()).nullish() })
      .nullish(),
  }),
);

const form = late(() =>
  who().extend({
    view: z.object({
      callback_id: z.string(),
      private_metadata: z.string().max(3000),
      state: z.unknown(),
      app_installed_team_id: slackId.nullish(),
    }),
  }),
);

export const FORM_ID = "taskloom:answer";
/** The block of the field, for which the form shows an error. */
export const FORM_FIELD = "answer";
const FORM_INPUT = "text";
/** Slack's limit for a text input. */
export const FORM_CHARACTERS = 3_000;
/** Within Slack's limit for a section, 3,000 characters. */
const SHOWN_CHARACTERS = 2_900;

/** Returns null if the payload is not an interaction. */
export function readInteraction(payload: unknown): SlackInteraction | null {
  if (!isRecord(payload) || typeof payload.type !== "string") return null;
  if (payload.type === "block_actions") return readClick(payload);
  if (payload.type === "view_submission") return readForm(payload);
  return { kind: "ignored", reason: "other_interaction" };
}

function readClick(payload: Record<string, unknown>): SlackInteraction {
  const [pressed] = (Array.isArray(payload.actions) ? payload.actions : []).filter(isRecord);
  const action = readAction(pressed?.action_id, pressed?.value);
  if (action === null) return { kind: "ignored", reason: "no_button_of_ours" };
  const read = click().safeParse(payload);
  if (!read.success) return { kind: "ignored", reason: "malformed" };
  const { user, team, channel, container, message, trigger_id } = read.data;
  const team_id = team?.id ?? user.team_id;
  const ts = container.message_ts ?? message?.ts;
  const where = channel?.id ?? container.channel_id;
  if (!team_id || !ts || !where) return { kind: "ignored", reason: "in_no_message" };
  const thread_ts = container.thread_ts ?? message?.thread_ts ?? ts;
  const place = { team_id, user_id: user.id, user_team_id: user.team_id ?? team_id, channel: where, ts, thread_ts };
  return { kind: "click", place, action, trigger_id, blocks: message?.blocks ?? [] };
}

function readForm(payload: Record<string, unknown>): SlackInteraction {
  const read = form().safeParse(payload);
  if (!read.success || read.data.view.callback_id !== FORM_ID) return { kind: "ignored", reason: "no_form_of_ours" };
  const { user, team, view } = read.data;
  const target = formTarget().safeParse(parseJson(view.private_metadata));
  const own_team_id = user.team_id ?? team?.id;
  // For a person of another workspace in a shared channel, `team` is that workspace, and `app_installed_team_id` ours.
  const team_id = view.app_installed_team_id ?? team?.id ?? user.team_id;
  if (!target.success || !team_id) return { kind: "ignored", reason: "malformed" };
  const { t: thread_id, r: invocation_id, i: interrupt_id, channel, ts, thread_ts } = target.data;
  const place = { team_id, user_id: user.id, user_team_id: own_team_id ?? team_id, channel, ts, thread_ts };
  return { kind: "form", place, thread_id, invocation_id, interrupt_id, text: readField(view.state) };
}

function readField(state: unknown): string | null {
  const values = isRecord(state) && isRecord(state.values) ? state.values : {};
  const block = isRecord(values[FORM_FIELD]) ? values[FORM_FIELD] : {};
  const input = isRecord(block[FORM_INPUT]) ? block[FORM_INPUT] : {};
  return typeof input.value === "string" ? input.value : null;
}

/** The form for an answer in a person's own words. The question comes from the message that has the button. */
export function toForm({
  place,
  action,
  blocks,
}: Extract<SlackInteraction, { kind: "click" }>): Record<string, unknown> {
  const target = {
    t: action.thread_id,
    r: action.invocation_id,
    i: action.interrupt_id,
    channel: place.channel,
    ts: place.ts,
    thread_ts: place.thread_ts,
  };
  const question = findQuestion(blocks, action);
  const plain = (text: string) => ({ type: "plain_text", text, emoji: false });
  return {
    type: "modal",
    callback_id: FORM_ID,
    private_metadata: JSON.stringify(target),
    title: plain("Answer"),
    submit: plain("Send"),
    close: plain("Cancel"),
    blocks: [
      ...(question === "" ? [] : [{ type: "section", text: plain(cutEnd(question, SHOWN_CHARACTERS)) }]),
      {
        type: "input",
        block_id: FORM_FIELD,
        label: plain("Your answer"),
        element: { type: "plain_text_input", action_id: FORM_INPUT, multiline: true, max_length: FORM_CHARACTERS },
      },
    ],
  };
}

/** Returns the text of the block before the question's buttons. */
function findQuestion(blocks: unknown[], { interrupt_id }: SlackAction): string {
  const shown = blocks.filter(isRecord);
  const place = shown.findIndex(({ elements }) =>
    (Array.isArray(elements) ? elements : [])
      .filter(isRecord)
      .some(({ action_id, value }) => readAction(action_id, value)?.interrupt_id === interrupt_id),
  );
  const text = shown[place - 1]?.text;
  return isRecord(text) && typeof text.text === "string" ? text.text : "";
}
