// Reads out of a refusal what the server objects to. Only a refusal that names it counts: everything else is an error
// for people. The words of many servers are matched by what they have in common, a name of ours and a reason.

import type { ModelFailureReason } from "../../protocol/run.ts";
import { escapePattern } from "./escape-pattern.ts";
import { readApi, readItems } from "./learn-api.ts";
import type { Objection, SentImage, SentRequest } from "./objection.ts";
import type { Rule } from "./rules.ts";

/** What the refusal may teach, the most likely first; empty if it names nothing that can be changed. */
export function readObjection(refused: Objection, sent: SentRequest): Rule[][] {
  // An image's address is a person's, who could write any word into it.
  const objection = { ...refused, detail: refused.detail.replace(/\bhttps?:\/\/\S+/gi, "") };
  const { detail, param, kind, reason } = objection;
  // Names of models may be words that are looked for.
  const text = `${param ?? ""} ${detail.replaceAll(sent.model, "")}`;
  const lacksSight = sent.images.length > 0 && seesNoImages.test(text);
  if (lacksSight && sightReasons.has(reason)) return [["no images"]];
  const first = toReadings([readApi(objection, sent), readItems(objection, sent)]);
  // A chat template that refuses the order of roles may end as a fault of its server.
  if (reason === "server_failed") return [...first, ...toReadings([readOrder(text)])];
  if (reason !== "request_refused") return first;
  // A wrong value is for whoever chose it: without it the model would work otherwise than they believe.
  if (isWrongEffort(text, kind, sent) || isWrongValue(text, kind, sent)) return first;
  const images = blameImages(refused.detail, text, kind, sent.images);
  const named = param === null ? null : readField(`${param} is not supported`, sent);
  const readings = [
    readDescription(text),
    readEmptySchema(text),
    readLimit(text, sent),
    named,
    readReasoning(text),
    readSignature(text),
    readCallIds(text),
    readResultName(text),
    readEffort(text, sent),
    readField(text, sent),
    readOrder(text),
    ...images,
    readContent(text, sent),
  ];
  return [...first, ...toReadings(readings)];
}

function toReadings(rules: (Rule | Rule[] | null)[]): Rule[][] {
  return rules.flatMap((rule) => (rule === null ? [] : [[rule].flat()]));
}

/** Ollama, OpenRouter, vLLM without a parser for calls, llama.cpp whose grammar of them fails, and relatives of theirs. */
export function lacksTools({ reason, detail }: Objection): boolean {
  return (
    (reason === "request_refused" || reason === "model_not_found") &&
    /does(?:n't| not) support (?:tools?|tool (?:use|call)|function)|failed to parse grammar|no endpoints found that support tool use|requires --enable-auto-tool-choice|tools? (?:is|are|calling is|use is) not supported/i.test(
      detail,
    )
  );
}

const isMissing =
  /\b(?:missing|required|must be (?:passed|provided|included|sent|present)|must (?:have|contain|include)|expected)\b/i;
const isUnknown =
  /\b(?:unsupported|not supported|does(?:n't| not) support|un(?:known|recogni[sz]ed|expected)|not (?:permitted|allowed)|extra(?:_forbidden| inputs| fields)|additional propert|invalid|not (?:a )?valid|must not|can(?:'t|not) be)/i;

/** Its field on a message, and not the effort or a word about reasoning models. */
const reasoningField = /reasoning_(?:content|details)|thinking_blocks|messages?\b.{0,60}\breasoning\b(?! model)/i;

function readReasoning(text: string): Rule | null {
  if (!reasoningField.test(text) || /reasoning_effort/.test(text)) return null;
  const isRefused = /extra_forbidden|is unsupported|not permitted/.test(text);
  if (/reasoning_content/i.test(text) && isMissing.test(text) && !isRefused) return "send reasoning_content";
  return isUnknown.test(text) || isRefused ? "send no reasoning" : null;
}

function readSignature(text: string): Rule | null {
  if (/missing a `?thought_signature|thought_signature.{0,40}(?:missing|required)/i.test(text))
    return "send signatures";
  if (/extra_content|thought_signature/i.test(text)) return "send no signatures";
  // The signature of a thought, from Claude behind a proxy.
  const isChanged = /\bsignature\b.{0,40}\bthinking\b|\bthinking\b.{0,60}(?:modified|must start with)/i;
  return isChanged.test(text) ? "send no reasoning" : null;
}

/** Also two objections of one server: Mistral's length, Claude's characters. */
function readCallIds(text: string): Rule | null {
  if (!/\b(?:tool[_ ]?(?:call|use)s?)\b.{0,40}\bid\b|tool_call_id|tool_calls?\S{0,80}\.id\b/i.test(text)) return null;
  if (/length of 9|nine/i.test(text)) return "ids:nine";
  if (/a-z\W*A-Z\W*0-9\W*_|a-zA-Z0-9_|pattern/i.test(text)) return "ids:plain";
  return /too long|maximum length|at most|max_length/i.test(text) ? "ids:forty" : null;
}

/** "messages.3: 'name' is required for role 'tool'", Gemini's "function_response.name: Name cannot be empty". */
function readResultName(text: string): Rule | null {
  if (/\bfunction_?response\.name\b/i.test(text)) return "name results";
  if (!/\bname\b/i.test(text) || !isMissing.test(text) || /\b(?:tools|tool_calls|functions?)\b/i.test(text))
    return null;
  return /\brole\b.{0,8}\btool\b|\btool (?:messages?|results?|role)\b|\bmessages\b\S{0,40}\btool\.name\b/i.test(text)
    ? "name results"
    : null;
}

/** OpenAI and Azure: "Invalid 'tools[3].function.description': string too long. Expected … maximum length 1024". */
function readDescription(text: string): Rule | null {
  const [, limit] =
    /\btools?\b.{0,40}\bdescription\b.{0,80}\b(?:maximum length|at most|up to)\D{0,12}(\d{2,6})\b/i.exec(text) ?? [];
  return limit === undefined ? null : `describe:${Number(limit)}`;
}

/** Gemini: "function_declarations[1].parameters.properties: should be non-empty for OBJECT type". */
function readEmptySchema(text: string): Rule | null {
  return /\bparameters\.properties: should be non-empty/i.test(text) ? "no empty schemas" : null;
}

function readLimit(text: string, { profile, optional_fields, limit_field }: SentRequest): Rule | null {
  if (profile.api === "chat") {
    if (/max_tokens/.test(text) && /use '?`?max_completion_tokens/i.test(text))
      return "limit is called max_completion_tokens";
    if (/max_completion_tokens/.test(text) && /use '?`?max_tokens/i.test(text)) return "limit is called max_tokens";
  }
  if (!/\bmax_(?:completion_|output_)?tokens\b/.test(text)) return null;
  const largest = optional_fields.includes(limit_field) ? readLargestLimit(text) : null;
  if (largest !== null) return largest;
  if (!isMissing.test(text) || isUnknown.test(text) || profile.api !== "chat") return null;
  return /\bmax_tokens\b/.test(text) ? "limit is max_tokens" : "limit is max_completion_tokens";
}

/** "max_tokens: 16000 > 8192, which is the maximum", "the valid range of max_tokens is [1, 8192]". */
function readLargestLimit(text: string): Rule | null {
  if (
    /\bcontext\b/i.test(text) ||
    !/\b(?:maximum|max|at most|range|exceed|less|larger|large|greater|more than|up to|between)\b|[<>]/i.test(text)
  )
    return null;
  const numbers = (text.match(/\b\d{3,7}\b/g) ?? []).map(Number);
  const limit = Math.min(...numbers.filter((number) => number >= MIN_LIMIT));
  return Number.isFinite(limit) ? `limit:${limit}` : null;
}

/** A smaller number is a status or a code. */
const MIN_LIMIT = 512;

function readEffort(text: string, { profile, is_effort_set }: SentRequest): Rule | null {
  const isNamed = /tools?\b.{0,40}\breasoning_effort/i.test(text) && /'?none'?/i.test(text);
  return isNamed && profile.api === "chat" && !is_effort_set ? "no effort with tools" : null;
}

const effort = /\breasoning(?:_|\.)effort\b|\beffort\b/i;

/** A value that the model does not have, and not a field that it does not know. */
function isWrongEffort(text: string, kind: string, { is_effort_set }: SentRequest): boolean {
  if (!is_effort_set || !effort.test(text)) return false;
  return (
    /unsupported_value|invalid_value/.test(kind) ||
    /(?:unsupported|invalid|supported|allowed|valid) values?\b|must be (?:one|either)|input should be|unknown variant|\bone of\b/i.test(
      text,
    )
  );
}

/** The same of any field that somebody has chosen. */
function isWrongValue(text: string, kind: string, { chosen_fields }: SentRequest): boolean {
  const isNamed = chosen_fields.some((field) => new RegExp(`\\b${escapePattern(field)}\\b`).test(text));
  return isNamed && (wrongKinds.test(kind) || wrongValue.test(text));
}

const wrongKinds = /invalid_(?:value|type)|(?:above|below)_(?:max|min)|too_(?:long|short|large|small|big)|out_of_range/;
const wrongValue =
  /(?:supported|allowed|valid|invalid) (?:values?|types?)\b|\bexpected (?:an?|one|value)\b|(?:above|below) (?:the )?(?:maximum|minimum)|\btoo (?:long|short|large|small|big|high|low)\b|out of range|\b(?:greater|less|more|larger|smaller) than\b|must be (?:an?|one|either|between|at|in|[<>])|input should be|unknown variant|\bone of\b/i;

/** The field that is named; the longest, since one name may be part of another. */
function readField(text: string, { profile, optional_fields, limit_field }: SentRequest): Rule | null {
  if (!isUnknown.test(text) && !/\bonly\b.{0,30}\ballowed\b/i.test(text)) return null;
  if (/\bcache_control\b/.test(text)) {
    const isInResult = /tool_result/.test(text) && profile.cache_marks === "parts";
    return isInResult ? "mark whole messages" : "no cache marks";
  }
  const isNeeded = (field: string) => profile.limit.required && field === limit_field;
  const optional = optional_fields.filter((field) => !isNeeded(field));
  const named = optional.filter((field) => new RegExp(`\\b${escapePattern(field)}\\b`).test(text));
  const [field] = named.toSorted((one, other) => other.length - one.length);
  return field === undefined ? null : `omit:${field}`;
}

function readOrder(text: string): Rule | null {
  if (/role\W{0,3}user\W{0,3}\s*(?:right )?after\s*(?:role\s*)?\W{0,3}tool/i.test(text)) return "bridge results";
  if (
    /roles? must alternate|alternate user|consecutive (?:user|messages)|two .{0,20}in a row|unexpected role \W{0,3}assistant/i.test(
      text,
    )
  ) {
    return "merge messages";
  }
  // Gemini, of a call behind words of the model.
  if (/function call turn comes immediately after a user turn/i.test(text)) return "merge messages";
  const isSystem =
    /system\W{0,3}\s*(?:role|messages?|prompts?)\b.{0,40}not (?:supported|allowed|permitted)|developer instruction is not enabled/i;
  return isSystem.test(text) ? "no system role" : null;
}

function readContent(text: string, { profile }: SentRequest): Rule | null {
  if (!/\bcontent\b|\bmessage\b.{0,200}\bempty\b/i.test(text)) return null;
  const isEmptyRefused = /non-?empty|(?:cannot|must not|may not) be empty|is (?:blank|empty)|min_length/i.test(text);
  if (profile.empty_content === "text") return isEmptyRefused ? "content is nothing" : null;
  const isMissed = isEmptyRefused || /null|none\b|nil|required|missing|string/i.test(text);
  return isMissed ? "content is text" : null;
}

function mentionsImages(text: string): boolean {
  return /image|vision|multi-?modal|content\.type/i.test(text);
}

/** A server that says so of the model refuses every image. Else it is this one: its size, its format, its address. */
const seesNoImages =
  /(?:not|n't) (?:currently )?support(?:s|ed)? (?:image|vision|multi-?modal)(?!s? (?:of|with|in|from|larger|above|over|smaller|types?|formats?|sizes?|urls?)\b)|(?:image|vision)s?(?: input| content)? (?:is|are) not supported(?! type| format)(?!.*\b(?:url|format|type)\b)|support image input|not a (?:multi-?modal|vision) model|unknown variant .image_url|only (?:supports? )?text|content\.type|mmproj/i;

/** Some have 404 for a model that sees no images, or fail. */
const sightReasons = new Set<ModelFailureReason>(["request_refused", "model_not_found", "server_failed"]);

/** The image that is named, or else, where the words are about images, the new ones, the old ones, and at last all of them. */
function blameImages(said: string, text: string, kind: string, images: SentImage[]): Rule[][] {
  if (images.length === 0) return [];
  const toRules = (list: SentImage[]) => list.map(({ hash }): Rule => `image:${hash}`);
  const named = images.filter(({ url }) => url.length < MAX_NAMED_CHARACTERS && said.includes(url));
  if (named.length > 0) return [toRules(named)];
  // A content that shall be a text has no place for an image.
  if (/\bcontent\b.{0,200}\bstring\b/i.test(text)) return [["no images"]];
  if (!mentionsImages(`${kind} ${text}`)) return [];
  const [newest, older] = [images.filter(({ is_new }) => is_new), images.filter(({ is_new }) => !is_new)];
  const most = readMostImages(text);
  if (most === null) return [newest, older, images].map(toRules);
  // What a person has just shown is what they ask about.
  const surplus = images.slice(0, Math.max(0, images.length - (most ?? newest.length)));
  return [surplus, older, newest, images].map(toRules);
}

/**
 * How many images a request may have; undefined where only their number is blamed, null where it is not: "At most 1
 * image(s) may be provided in one prompt", "You set image=2 in `--limit-mm-per-prompt`", "Too many images".
 */
function readMostImages(text: string): number | undefined | null {
  if (!manyImages.test(text)) return null;
  const [, number] =
    /\bimages?=(\d{1,4})\b|\b(?:at most|up to|max(?:imum)?(?: of| is)?|only|more than|limit(?: of| is)?):?\D{0,12}(\d{1,4}|one|single)\b/i
      .exec(text)
      ?.filter((group) => group !== undefined) ?? [undefined, undefined];
  if (number === undefined) return undefined;
  return /^\d/.test(number) ? Number(number) : 1;
}

const manyImages =
  /too many images?\b|number of images?\b|limit-mm-per-prompt|\b(?:at most|up to|max(?:imum)?(?: of)?|only|more than) (?:\d{1,4}|one|a single) images?\b/i;

/** A longer address is the image itself, and no server repeats it. */
const MAX_NAMED_CHARACTERS = 2000;
