// Encodes what a button of ours in Slack carries, and decodes what a click returns. Slack signs clicks, and no other
// app can make one in our name. The route still derives the thread from the place of the click, so a value works only
// there.
import { z } from "zod";

export const actionKinds = ["stop", "choice", "answer", "approve", "decline", "change"] as const;
/**
 * `stop` ends the run. The others concern one question of an interrupted run: `choice` answers with a suggestion,
 * `answer` opens a form, `approve` and `decline` decide, and `change` takes an answer back while other questions of the
 * run are open.
 */
export type ActionKind = (typeof actionKinds)[number];

export interface SlackAction {
  kind: ActionKind;
  thread_id: string;
  invocation_id: string;
  /** Null for `stop` only. */
  interrupt_id: string | null;
  /** For `choice`: which of the question's suggestions. For `change`: the chosen one, if it was a suggestion. */
  place: number | null;
  /** For `change`: the answer, if it was not a suggestion. */
  text: string | null;
  /** For `change`: the Slack user who answered. */
  chosen_by: string | null;
}

export interface ActionFields {
  action_id: string;
  value: string;
}

const PREFIX = "taskloom:";
/** Slack's limit for a button's value. */
const VALUE_CHARACTERS = 2_000;
/** No known model makes longer ids of tool calls. A question with a longer one is answered elsewhere. */
const ID_CHARACTERS = 300;

const id = z.string().min(1).max(ID_CHARACTERS);
const fields = z.object({
  t: id,
  r: id,
  i: id.optional(),
  n: z.int().min(0).max(1000).optional(),
  c: z.string().max(VALUE_CHARACTERS).optional(),
  u: z.string().max(100).optional(),
});

/** Returns null if it does not fit into a button. `action_id` is unique among the buttons of one question. */
export function encodeAction(action: SlackAction): ActionFields | null {
  const { kind, thread_id: t, invocation_id: r, interrupt_id: i, place: n, text: c, chosen_by: u } = action;
  if ((i?.length ?? 0) > ID_CHARACTERS) return null;
  const given = Object.entries({ t, r, i, n, c, u }).filter(([, value]) => value !== null);
  const value = JSON.stringify(Object.fromEntries(given));
  if (value.length > VALUE_CHARACTERS) return null;
  return { action_id: PREFIX + (kind === "choice" && n !== null ? `${kind}:${n}` : kind), value };
}

/** Returns null if it is not a button of ours: a link, one of another version, or anything else. */
export function readAction(action_id: unknown, value: unknown): SlackAction | null {
  if (typeof action_id !== "string" || typeof value !== "string" || value.length > VALUE_CHARACTERS) return null;
  const [, name] = /^taskloom:([a-z]+)(?::\d{1,4})?$/.exec(action_id) ?? [];
  const kind = actionKinds.find((known) => known === name);
  const read = fields.safeParse(parseJson(value));
  if (kind === undefined || !read.success) return null;
  const { t: thread_id, r: invocation_id, i, n, c, u } = read.data;
  if ((kind === "stop") !== (i === undefined) || (kind === "choice" && n === undefined)) return null;
  return {
    kind,
    thread_id,
    invocation_id,
    interrupt_id: i ?? null,
    place: n ?? null,
    text: c ?? null,
    chosen_by: u ?? null,
  };
}

/** The button that stops a run; null if its ids do not fit. */
export function stopButton(thread_id: string, invocation_id: string, label: string): Record<string, unknown> | null {
  const none = { interrupt_id: null, place: null, text: null, chosen_by: null };
  const encoded = encodeAction({ kind: "stop", thread_id, invocation_id, ...none });
  return (
    encoded && { type: "button", text: { type: "plain_text", text: label, emoji: false }, style: "danger", ...encoded }
  );
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
