// What models need on whatever server they run, by their names. The first family that matches counts. The name of a
// family is also part of where a reply's extras belong to: another family does not get them.
import type { ProfileChange } from "./profile.ts";

interface Family {
  name: string;
  /** Whether models reason with tools in the Responses API: only there, or better there. */
  responses?: "needed" | "better";
  /** Matched against the name in lower case, without its maker. */
  models: RegExp;
  change: ProfileChange;
}

const returnsReasoning = { field: "reasoning_content", on: "calls", required: false } as const;

const gpt = {
  ids: "forty",
  text_calls: false,
  limit: { field: "max_completion_tokens", required: false },
} as const;

/** It refuses an empty content where there are calls: https://github.com/anomalyco/opencode/issues/46577 */
const kimi = { ids: "kimi", empty_content: "nothing" } as const;

/** A call may follow a person or a result, and not the model's own words: https://github.com/lobehub/lobehub/issues/7298 */
const gemini = { text_calls: false, merges_messages: true } as const;

const families: Family[] = [
  {
    name: "gpt-oss",
    models: /^gpt-oss/,
    // Its own format keeps the reasoning between the calls of a turn.
    change: { reasoning: { field: "reasoning", on: "calls", required: false }, images: false },
  },
  {
    // They have no efforts: "non-reasoning" in https://developers.openai.com/api/docs/models.
    name: "gpt",
    models: /^(?:gpt-[34]|gpt-\d.*chat|chatgpt)/,
    change: { ...gpt, reasons: false },
  },
  {
    // Chat completions refuse their tools while they reason, or don't have them: docs/decisions/0056.
    name: "gpt",
    models: /^(?:gpt-5\.(?:[5-9]|\d\d)|gpt-(?:[6-9]|\d\d)|gpt-5.*codex|codex|(?:gpt-5|o\d).*-pro\b|o\d-deep)/,
    responses: "needed",
    change: gpt,
  },
  {
    name: "gpt",
    models: /^(?:gpt-5|o\d)/,
    responses: "better",
    change: gpt,
  },
  {
    name: "gpt",
    models: /^gpt/,
    change: gpt,
  },
  {
    // With tools, every message of the model must bring its reasoning, older ones too.
    name: "deepseek",
    models: /^deepseek.*(?:flash|vision|vl)/,
    change: { reasoning: { field: "reasoning_content", on: "all", required: true } },
  },
  {
    name: "deepseek",
    models: /^deepseek/,
    change: { reasoning: { field: "reasoning_content", on: "all", required: true }, images: false },
  },
  {
    name: "kimi",
    models: /^kimi-k2-thinking/,
    change: { reasoning: { ...returnsReasoning, required: true }, ...kimi, images: false },
  },
  {
    // They accept no other temperature than their own.
    name: "kimi",
    models: /^kimi-(?:k2[.p][5-9]|k[3-9]|for-coding)/,
    change: { reasoning: { ...returnsReasoning, required: true }, ...kimi, omits: ["temperature"] },
  },
  { name: "kimi", models: /^(?:kimi|moonshot)/, change: kimi },
  // Their templates show them the reasoning of the turn.
  { name: "qwen", models: /^(?:qwen|qwq|qvq)/, change: { reasoning: returnsReasoning } },
  { name: "glm", models: /^glm-[\d.]+v/, change: { reasoning: { ...returnsReasoning, on: "all" } } },
  { name: "glm", models: /^(?:glm|chatglm)/, change: { reasoning: { ...returnsReasoning, on: "all" }, images: false } },
  { name: "minimax", models: /^minimax/, change: { reasoning: { ...returnsReasoning, on: "all" }, thinks: true } },
  // Relays that translate to its own API make an empty text of an empty content, which it refuses.
  {
    name: "claude",
    models: /^claude/,
    change: { ids: "plain", text_calls: false, empty_content: "null", cache_marks: "parts" },
  },
  {
    name: "gemini",
    models: /^gemini-(?:[3-9]|\d\d|\w+(?:-\w+)?-latest)/,
    change: { ...gemini, signatures: "required" },
  },
  { name: "gemini", models: /^gemini/, change: gemini },
  {
    name: "mistral",
    models: /^(?:mi[sx]tral|ministral|magistral|devstral|codestral|pixtral|voxtral|open-mi[sx]tral)/,
    change: { ids: "nine", bridges_results: true, merges_messages: true },
  },
];

/** Null for a name of no known family. */
export function findFamily(model: string): Family | null {
  const name = bareName(model);
  return families.find(({ models }) => models.test(name)) ?? null;
}

/**
 * Models of one family and maker understand each other's extras. An unknown name is a family up to its first number, or
 * as a whole if it begins with one.
 */
export function familyOf(model: string): string {
  const name = bareName(model);
  const family = findFamily(model)?.name ?? (/^[^\d:@]+/.exec(name)?.[0] || name);
  return [...model.toLowerCase().split("/").slice(0, -1), family].join("/");
}

/** Routers put the maker before the name (`anthropic/claude-…`), and so do clouds (`us.anthropic.claude-…`). */
export function bareName(model: string): string {
  return (model.toLowerCase().split("/").at(-1) ?? "").replace(/^(?:[a-z]+\.)+/, "");
}
