// Reads out of a refusal what the server objects to. Only a refusal that names it counts: everything else is an error
// for people. Each row of the table says what words teach which rule: the words of many servers have in common a name of
// ours and a reason.
import type { ModelFailureReason } from "../../protocol/run.ts";
import { escapePattern } from "./escape-pattern.ts";
import type { Profile } from "./profile.ts";
import type { Rule } from "./rules.ts";

/** What was refused: the provider's words, and the field that it names, if any. */
export interface Objection {
  status: number;
  detail: string;
  param: string | null;
  /** Types and codes in lower case. */
  kind: string;
  /** How the refusal is classified for people. */
  reason: ModelFailureReason;
}

/** What the refused request had. */
export interface SentRequest {
  profile: Profile;
  /** Fields that a request can do without. */
  optional_fields: string[];
  model: string;
  images: SentImage[];
  /** Rules that the request was written by. */
  rules: readonly string[];
  /** Those of them that earlier refusals of the same call have taught. */
  lessons: readonly string[];
  /** The operator has set the operation. */
  is_api_set: boolean;
  /** The field of the longest reply. */
  limit_field: string;
  /** Somebody has chosen the effort. */
  is_effort_set: boolean;
  /** Fields that an agent or the operator has chosen, those of objects as `reasoning.summary`. */
  chosen_fields: readonly string[];
  /** The newest item of reasoning that was sent back, by its hash. */
  newest_item: string | null;
}

export interface SentImage {
  hash: string;
  url: string;
  /** It stands behind the model's last reply. */
  is_new: boolean;
}

/** What holds of the refusal: words that it has, or what was sent. */
type Condition = RegExp | ((sent: SentRequest, refused: Objection, text: string) => boolean);
type Lesson = [rule: Rule | ((sent: SentRequest, text: string) => Rule | null), ...conditions: Condition[]];

/** What the refusal may teach, the most likely first; empty if it names nothing that can be changed. */
export function readObjection(refused: Objection, sent: SentRequest): Rule[][] {
  // An image's address is a person's, who could write any word into it.
  const detail = refused.detail.replace(/\bhttps?:\/\/\S+/gi, "");
  const { param, kind, reason } = refused;
  // Names of models may be words that are looked for.
  const text = `${param ?? ""} ${detail.replaceAll(sent.model, "")}`;
  if (sent.images.length > 0 && seesNoImages.test(text) && sightReasons.has(reason)) return [["no images"]];
  const read = (groups: Lesson[][], words = text) =>
    groups.flatMap((rows) => readRows(rows, words, { ...refused, detail }, sent));
  const first = read([operation, items]);
  // A chat template that refuses the order of roles may end as a fault of its server.
  if (reason === "server_failed") return [...first, ...read([order])];
  // A wrong value is for the person who chose it: without it the model would work otherwise than they believe.
  if (reason !== "request_refused" || isWrongEffort(text, kind, sent) || isWrongValue(text, kind, sent)) return first;
  const named = param === null ? [] : read([field], `${param} is not supported`);
  const images = blameImages(refused.detail, text, kind, sent.images);
  return [...first, ...read([...tools, limit]), ...named, ...read(messages), ...images, ...read([content])];
}

/** The first row of a group whose conditions all hold. */
function readRows(rows: Lesson[], text: string, refused: Objection, sent: SentRequest): Rule[][] {
  const holds = (each: Condition) => (each instanceof RegExp ? each.test(text) : each(sent, refused, text));
  for (const [rule, ...conditions] of rows) {
    const learned = !conditions.every(holds) ? null : typeof rule === "function" ? rule(sent, text) : rule;
    if (learned !== null) return [[learned]];
  }
  return [];
}

const isMissing =
  /\b(?:missing|required|must be (?:passed|provided|included|sent|present)|must (?:have|contain|include)|expected)\b/i;
const isUnknown =
  /\b(?:unsupported|not supported|does(?:n't| not) support|un(?:known|recogni[sz]ed|expected)|not (?:permitted|allowed)|extra(?:_forbidden| inputs| fields)|additional propert|invalid|not (?:a )?valid|must not|can(?:'t|not) be)/i;
const isRefused = new RegExp(`${isUnknown.source}|\\bonly\\b.{0,30}\\ballowed\\b`, "i");
const lacks =
  (words: RegExp): Condition =>
  (_sent, _refused, text) =>
    !words.test(text);

const formReasons = new Set<ModelFailureReason>(["request_refused", "model_not_found"]);
const isOfForm: Condition = (_, { reason }) => formReasons.has(reason);
const inChat: Condition = ({ profile }) => profile.api === "chat";
const atResponses: Condition = ({ profile, is_api_set }) => profile.api === "responses" && !is_api_set;

/** Each direction is learned once a call, and a server that has just shown that it lacks one is not asked there again. */
const operation: Lesson[] = [
  // LM Studio says so with status 200, and new-api with 500. A key of OpenAI may be good for chat completions alone:
  // https://github.com/Wei-Shaw/sub2api/issues/1566, https://github.com/QuantumNous/new-api/issues/4534
  [
    "ask at /chat/completions",
    atResponses,
    /unexpected endpoint|unknown (?:endpoint|url|path|route)|invalid url \(|no route (?:matched|found|for)\b|missing scopes?\b.{0,80}\bapi\.responses\b/is,
  ],
  [
    "ask at /chat/completions",
    atResponses,
    (_, { status, detail }) => status === 501 || (status >= 500 && /\bnot implemented\b/i.test(detail)),
  ],
  [
    "ask at /chat/completions",
    ...[atResponses, isOfForm],
    /not (?:supported|available) (?:with|in|by|on|for|via) (?:the )?(?:\/?v1\/)?responses\b|responses api (?:is |are )?(?:not|disabled)/i,
  ],
  ["ask at /chat/completions", atResponses, isOfForm, hasNoAddress],
  [
    "ask at /responses",
    ...[inChat, isOfForm],
    ({ is_api_set, lessons }) => !is_api_set && !lessons.includes("ask at /chat/completions"),
    /\buse (?:the )?`?\/?v1\/responses|only (?:be )?(?:supported|available|accessible|used) (?:in|on|at|via|through|with) (?:the )?(?:\/?v1\/)?responses\b|not a chat model|not supported in the v1\/chat\/completions|\buse the responses api/i,
  ],
];

/** And not a model that does not exist there. A page is from a web server, and not from what knows models. */
function hasNoAddress({ model }: SentRequest, { status, detail }: Objection): boolean {
  const namesModel = /\b(?:model|deployment|engine|item)s?\b/i.test(detail) || (model !== "" && detail.includes(model));
  return [404, 405, 410].includes(status) && (!namesModel || /^<|\bpage not found\b/i.test(detail));
}

/** Two lessons show that the server can't read what it sends. */
const MAX_UNREADABLE = 2;
const readItem: Lesson[0] = ({ newest_item, rules }) =>
  rules.filter((rule) => rule.startsWith("items:")).length < MAX_UNREADABLE
    ? `items:${newest_item}`
    : "send no reasoning";
const mayBeItem: Condition = ({ profile }, { param }) => profile.api === "responses" && param !== "include";
const sendsItems: Condition = ({ newest_item }) => newest_item !== null;

/** Reasoning that goes back and can't be read any more: by another account, another region, after a change of keys. */
const items: Lesson[] = [
  // From a model or a version of the API that has no phases.
  [
    "send no reasoning",
    mayBeItem,
    /(?:unknown|unsupported|unrecogni[sz]ed|not permitted|not allowed|extra inputs).{0,80}\bphase\b|\binput\S{0,80}\.phase\b/i,
  ],
  // vLLM, and servers without such items: https://github.com/vllm-project/vllm/pull/28248
  [
    "send no reasoning",
    ...[mayBeItem, sendsItems],
    /encrypted[ _]content is not supported|(?:unsupported|unknown|invalid)\b.{0,40}\bitem\b.{0,30}\breasoning\b|\breasoning items? (?:is|are) not/i,
  ],
  [readItem, mayBeItem, sendsItems, (_, { kind }) => /invalid_encrypted_content/.test(kind)],
  // OpenAI, Azure, xAI ("compaction blob": https://github.com/chenyme/grok2api/issues/688), and routers of their own.
  [
    readItem,
    ...[mayBeItem, sendsItems],
    /encrypted[ _]content\b.{0,200}(?:could not be|can(?:'t|not) be|failed to be|not) (?:verified|decrypted|parsed|issued)|\b(?:invalid|failed to|unable to|could not|cannot|can't)\b.{0,60}\b(?:encrypted[ _](?:content|reasoning)|compaction blob)|items? with id '?rs_\S* not found|duplicate item found with id '?rs_|of type 'reasoning' was provided without|an id that begins with 'rs'/is,
  ],
];

/** OpenAI and Azure: "Invalid 'tools[3].function.description': string too long. Expected … maximum length 1024". */
const longest = /\btools?\b.{0,40}\bdescription\b.{0,80}\b(?:maximum length|at most|up to)\D{0,12}(\d{2,6})\b/i;
const maxTokens = /\bmax_(?:completion_|output_)?tokens\b/;
/** Its field on a message, and not the effort or a word about reasoning models. */
const reasoningField = /reasoning_(?:content|details)|thinking_blocks|messages?\b.{0,60}\breasoning\b(?! model)/i;
const callId = /\b(?:tool[_ ]?(?:call|use)s?)\b.{0,40}\bid\b|tool_call_id|tool_calls?\S{0,80}\.id\b/i;

const tools: Lesson[][] = [
  [[(_, text) => `describe:${Number(longest.exec(text)?.[1])}`, longest]],
  // Gemini: "function_declarations[1].parameters.properties: should be non-empty for OBJECT type".
  [["no empty schemas", /\bparameters\.properties: should be non-empty/i]],
];

const limit: Lesson[] = [
  ["limit is called max_completion_tokens", inChat, /max_tokens/, /use '?`?max_completion_tokens/i],
  ["limit is called max_tokens", inChat, /max_completion_tokens/, /use '?`?max_tokens/i],
  // "max_tokens: 16000 > 8192, which is the maximum", "the valid range of max_tokens is [1, 8192]".
  [
    (_, text) => readSmallest(text),
    ...[
      maxTokens,
      lacks(/\bcontext\b/i),
      ({ optional_fields: has, limit_field }: SentRequest) => has.includes(limit_field),
    ],
    /\b(?:maximum|max|at most|range|exceed|less|larger|large|greater|more than|up to|between)\b|[<>]/i,
  ],
  ["limit is max_tokens", inChat, /\bmax_tokens\b/, isMissing, lacks(isUnknown)],
  ["limit is max_completion_tokens", inChat, maxTokens, isMissing, lacks(isUnknown)],
];

const field: Lesson[] = [
  [
    "mark whole messages",
    ...[/\bcache_control\b/, isRefused, /tool_result/, ({ profile }: SentRequest) => profile.cache_marks === "parts"],
  ],
  ["no cache marks", /\bcache_control\b/, isRefused],
  [(sent, text) => findField(text, sent), isRefused],
];

const order: Lesson[] = [
  ["bridge results", /role\W{0,3}user\W{0,3}\s*(?:right )?after\s*(?:role\s*)?\W{0,3}tool/i],
  // The last is Gemini's, of a call behind words of the model.
  [
    "merge messages",
    /roles? must alternate|alternate user|consecutive (?:user|messages)|two .{0,20}in a row|unexpected role \W{0,3}assistant|function call turn comes immediately after a user turn/i,
  ],
  [
    "no system role",
    /system\W{0,3}\s*(?:role|messages?|prompts?)\b.{0,40}not (?:supported|allowed|permitted)|developer instruction is not enabled/i,
  ],
];

const messages: Lesson[][] = [
  [
    [
      "send reasoning_content",
      ...[/reasoning_content/i, isMissing, lacks(/reasoning_effort|extra_forbidden|is unsupported|not permitted/i)],
    ],
    ["send no reasoning", reasoningField, isUnknown, lacks(/reasoning_effort/i)],
  ],
  [
    ["send signatures", /missing a `?thought_signature|thought_signature.{0,40}(?:missing|required)/i],
    ["send no signatures", /extra_content|thought_signature/i],
    // The signature of a thought, from Claude behind a proxy.
    ["send no reasoning", /\bsignature\b.{0,40}\bthinking\b|\bthinking\b.{0,60}(?:modified|must start with)/i],
  ],
  // Also two objections of one server: Mistral's length, Claude's characters.
  [
    ["ids:nine", callId, /length of 9|nine/i],
    ["ids:plain", callId, /a-z\W*A-Z\W*0-9\W*_|a-zA-Z0-9_|pattern/i],
    ["ids:forty", callId, /too long|maximum length|at most|max_length/i],
  ],
  // "messages.3: 'name' is required for role 'tool'", Gemini's "function_response.name: Name cannot be empty".
  [
    ["name results", /\bfunction_?response\.name\b/i],
    [
      "name results",
      ...[/\bname\b/i, isMissing, lacks(/\b(?:tools|tool_calls|functions?)\b/i)],
      /\brole\b.{0,8}\btool\b|\btool (?:messages?|results?|role)\b|\bmessages\b\S{0,40}\btool\.name\b/i,
    ],
  ],
  [
    [
      "no effort with tools",
      ...[inChat, /tools?\b.{0,40}\breasoning_effort/i, /none/i, (sent: SentRequest) => !sent.is_effort_set],
    ],
  ],
  field,
  order,
];

const contentField = /\bcontent\b|\bmessage\b.{0,200}\bempty\b/i;
const isEmpty = /non-?empty|(?:cannot|must not|may not) be empty|is (?:blank|empty)|min_length/i;
const sendsText: Condition = ({ profile }) => profile.empty_content === "text";

const content: Lesson[] = [
  ["content is nothing", sendsText, contentField, isEmpty],
  [
    "content is text",
    ...[({ profile }: SentRequest) => profile.empty_content !== "text", contentField],
    new RegExp(`${isEmpty.source}|null|none\\b|nil|required|missing|string`, "i"),
  ],
];

/** A smaller number is a status or a code. */
const MIN_LIMIT = 512;

function readSmallest(text: string): Rule | null {
  const numbers = (text.match(/\b\d{3,7}\b/g) ?? []).map(Number).filter((number) => number >= MIN_LIMIT);
  return numbers.length === 0 ? null : `limit:${Math.min(...numbers)}`;
}

/** The field that is named; the longest, since one name may be part of another. */
function findField(text: string, { profile, optional_fields, limit_field }: SentRequest): Rule | null {
  const named = optional_fields.filter(
    (name) => !(profile.limit.required && name === limit_field) && names(text, name),
  );
  const [best] = named.toSorted((one, other) => other.length - one.length);
  return best === undefined ? null : `omit:${best}`;
}

function names(text: string, name: string): boolean {
  return new RegExp(`\\b${escapePattern(name)}\\b`).test(text);
}

/** Ollama, OpenRouter, vLLM without a parser for calls, llama.cpp whose grammar of them fails, and relatives of theirs. */
export function lacksTools({ reason, detail }: Objection): boolean {
  return formReasons.has(reason) && toolsUnknown.test(detail);
}

const toolsUnknown =
  /does(?:n't| not) support (?:tools?|tool (?:use|call)|function)|failed to parse grammar|no endpoints found that support tool use|requires --enable-auto-tool-choice|tools? (?:is|are|calling is|use is) not supported/i;

const wrongEffort =
  /(?:unsupported|invalid|supported|allowed|valid) values?\b|must be (?:one|either)|input should be|unknown variant|\bone of\b/i;

/** A value that the model does not have, and not a field that it does not know. */
function isWrongEffort(text: string, kind: string, { is_effort_set }: SentRequest): boolean {
  const isNamed = is_effort_set && /\breasoning(?:_|\.)effort\b|\beffort\b/i.test(text);
  return isNamed && (/unsupported_value|invalid_value/.test(kind) || wrongEffort.test(text));
}

const wrongKinds = /invalid_(?:value|type)|(?:above|below)_(?:max|min)|too_(?:long|short|large|small|big)|out_of_range/;
const wrongValue =
  /(?:supported|allowed|valid|invalid) (?:values?|types?)\b|\bexpected (?:an?|one|value)\b|(?:above|below) (?:the )?(?:maximum|minimum)|\btoo (?:long|short|large|small|big|high|low)\b|out of range|\b(?:greater|less|more|larger|smaller) than\b|must be (?:an?|one|either|between|at|in|[<>])|input should be|unknown variant|\bone of\b/i;

/** The same of any field that somebody has chosen. */
function isWrongValue(text: string, kind: string, { chosen_fields }: SentRequest): boolean {
  return chosen_fields.some((name) => names(text, name)) && (wrongKinds.test(kind) || wrongValue.test(text));
}

/** A server that says so of the model refuses every image. Else it is this one: its size, its format, its address. */
const seesNoImages =
  /(?:not|n't) (?:currently )?support(?:s|ed)? (?:image|vision|multi-?modal)(?!s? (?:of|with|in|from|larger|above|over|smaller|types?|formats?|sizes?|urls?)\b)|(?:image|vision)s?(?: input| content)? (?:is|are) not supported(?! type| format)(?!.*\b(?:url|format|type)\b)|support image input|not a (?:multi-?modal|vision) model|unknown variant .image_url|only (?:supports? )?text|content\.type|mmproj/i;

/** Some have 404 for a model that sees no images, or fail. */
const sightReasons = new Set<ModelFailureReason>(["request_refused", "model_not_found", "server_failed"]);

/** A longer address is the image itself, and no server repeats it. */
const MAX_NAMED_CHARACTERS = 2000;

/** The image that is named, or else, where the words are about images, the new ones, the old ones, and at last all of them. */
function blameImages(said: string, text: string, kind: string, images: SentImage[]): Rule[][] {
  if (images.length === 0) return [];
  const toRules = (list: SentImage[]) => list.map(({ hash }): Rule => `image:${hash}`);
  const named = images.filter(({ url }) => url.length < MAX_NAMED_CHARACTERS && said.includes(url));
  if (named.length > 0) return [toRules(named)];
  // A content that shall be a text has no place for an image.
  if (/\bcontent\b.{0,200}\bstring\b/i.test(text)) return [["no images"]];
  if (!/image|vision|multi-?modal|content\.type/i.test(`${kind} ${text}`)) return [];
  const [newest, older] = [images.filter(({ is_new }) => is_new), images.filter(({ is_new }) => !is_new)];
  if (!manyImages.test(text)) return [newest, older, images].map(toRules);
  // What a person has just shown is what they ask about.
  const surplus = images.slice(0, Math.max(0, images.length - (readMostImages(text) ?? newest.length)));
  return [surplus, older, newest, images].map(toRules);
}

/** "At most 1 image(s) may be provided in one prompt", "You set image=2 in `--limit-mm-per-prompt`", "Too many images". */
const manyImages =
  /too many images?\b|number of images?\b|limit-mm-per-prompt|\b(?:at most|up to|max(?:imum)?(?: of)?|only|more than) (?:\d{1,4}|one|a single) images?\b/i;
const mostImages =
  /\bimages?=(\d{1,4})\b|\b(?:at most|up to|max(?:imum)?(?: of| is)?|only|more than|limit(?: of| is)?):?\D{0,12}(\d{1,4}|one|single)\b/i;

/** How many images a request may have; undefined where only their number is blamed. */
function readMostImages(text: string): number | undefined {
  const [, set, most = set] = mostImages.exec(text) ?? [];
  if (most === undefined) return undefined;
  return /^\d/.test(most) ? Number(most) : 1;
}
