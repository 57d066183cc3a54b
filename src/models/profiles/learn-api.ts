// Reads out of a refusal that a model has to be asked at the other operation, and that reasoning which goes back can't be
// read any more: by another account, another region, or after a change of keys.
import type { ModelFailureReason } from "../../protocol/run.ts";
import type { Objection, SentRequest } from "./objection.ts";
import { ASK_CHAT, ASK_RESPONSES, type Rule, UNREADABLE } from "./rules.ts";

const formReasons = new Set<ModelFailureReason>(["request_refused", "model_not_found"]);

/** Each direction is learned once a call, and a server that has just shown that it lacks one is not asked there again. */
export function readApi(objection: Objection, { profile, model, is_api_set, lessons }: SentRequest): Rule | null {
  if (is_api_set) return null;
  if (profile.api === "responses" && lacksOperation(objection)) return ASK_CHAT;
  if (!formReasons.has(objection.reason)) return null;
  if (profile.api === "responses") return lacksResponses(objection, model) ? ASK_CHAT : null;
  return needsResponses.test(objection.detail) && !lessons.includes(ASK_CHAT) ? ASK_RESPONSES : null;
}

const needsResponses =
  /\buse (?:the )?`?\/?v1\/responses|only (?:be )?(?:supported|available|accessible|used) (?:in|on|at|via|through|with) (?:the )?(?:\/?v1\/)?responses\b|not a chat model|not supported in the v1\/chat\/completions|\buse the responses api/i;

/**
 * LM Studio says so with status 200, and new-api with 500. A key of OpenAI may be good for chat completions alone:
 * https://github.com/Wei-Shaw/sub2api/issues/1566, https://github.com/QuantumNous/new-api/issues/4534
 */
function lacksOperation({ status, detail }: Objection): boolean {
  return (
    status === 501 ||
    (status >= 500 && notImplemented.test(detail)) ||
    noSuchAddress.test(detail) ||
    lacksScope.test(detail)
  );
}

const notImplemented = /\bnot implemented\b/i;

const noSuchAddress =
  /unexpected endpoint|unknown (?:endpoint|url|path|route)|invalid url \(|no route (?:matched|found|for)\b/i;

const lacksScope = /missing scopes?\b.{0,80}\bapi\.responses\b/is;

/** An address that does not exist, and not a model that does not exist there. */
function lacksResponses({ status, detail }: Objection, model: string): boolean {
  if (
    /not (?:supported|available) (?:with|in|by|on|for|via) (?:the )?(?:\/?v1\/)?responses\b|responses api (?:is |are )?(?:not|disabled)/i.test(
      detail,
    )
  )
    return true;
  const namesModel = /\b(?:model|deployment|engine|item)s?\b/i.test(detail) || (model !== "" && detail.includes(model));
  return [404, 405, 410].includes(status) && (!namesModel || isPage.test(detail));
}

/** From a web server, and not from what knows models. */
const isPage = /^<|\bpage not found\b/i;

/** Two lessons show that the server can't read what it sends. */
const MAX_LESSONS = 2;

export function readItems({ detail, kind, param }: Objection, sent: SentRequest): Rule | null {
  const { newest_item, rules, profile } = sent;
  if (profile.api !== "responses" || param === "include") return null;
  if (refusesPhases.test(`${param ?? ""} ${detail}`)) return "send no reasoning";
  if (newest_item === null) return null;
  if (refusesItems.test(detail)) return "send no reasoning";
  if (!unreadableKinds.test(kind) && !unreadableWords.test(detail)) return null;
  const lessons = rules.filter((rule) => rule.startsWith(UNREADABLE)).length;
  return lessons < MAX_LESSONS ? `items:${newest_item}` : "send no reasoning";
}

/** vLLM, and servers without such items: https://github.com/vllm-project/vllm/pull/28248 */
const refusesItems =
  /encrypted[ _]content is not supported|(?:unsupported|unknown|invalid)\b.{0,40}\bitem\b.{0,30}\breasoning\b|\breasoning items? (?:is|are) not/i;

/** From a model or a version of the API that has no phases. */
const refusesPhases =
  /(?:unknown|unsupported|unrecogni[sz]ed|not permitted|not allowed|extra inputs).{0,80}\bphase\b|\binput\S{0,80}\.phase\b/i;

const unreadableKinds = /invalid_encrypted_content/;
/** OpenAI, Azure, xAI ("compaction blob": https://github.com/chenyme/grok2api/issues/688), and routers of their own. */
const unreadableWords = new RegExp(
  [
    /encrypted[ _]content\b.{0,200}(?:could not be|can(?:'t|not) be|failed to be|not) (?:verified|decrypted|parsed|issued)/,
    /\b(?:invalid|failed to|unable to|could not|cannot|can't)\b.{0,60}\b(?:encrypted[ _](?:content|reasoning)|compaction blob)/,
    /items? with id '?rs_\S* not found|duplicate item found with id '?rs_|of type 'reasoning' was provided without/,
    /an id that begins with 'rs'/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "is",
);
