// The system prompt of a run, built from its parts (`prompt/`) and from what its agent and its client add. It contains
// nothing that changes from one call to the next (no date, no plan, no id), because providers cache a prompt by its
// prefix; the most specific parts come last. The same input gives the same bytes.
import { cutEnd } from "../../lib/truncate.ts";
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import { contextHeading, instructionsHeading } from "./additions.ts";
import { describeAsking } from "./asking.ts";
import { describeChecks } from "./checks.ts";
import { finishing } from "./finishing.ts";
import { identity } from "./identity.ts";
import { describePlanning, whenToPlan } from "./planning.ts";
import { describeResearch } from "./research.ts";
import { describeTools } from "./tools.ts";
import { describeTrust } from "./trust.ts";
import { describeWork } from "./working.ts";

export interface PromptInput {
  agent: AgentConfig;
  /** Names of the server's tools that the run has. Those of the web depend on settings. */
  tool_names?: readonly string[];
  /** Names of tools that others describe. */
  foreign_tools?: string[];
  /** Information from the client, quoted as data. */
  context: { description: string; value: string }[];
}

// A client may send 1 MiB of context with each request, and the model reads all of it at each step. This is about
// 12,000 tokens.
const MAX_CONTEXT_CHARACTERS = 50_000;
const MAX_DESCRIPTION_CHARACTERS = 300;

export function buildSystemPrompt({ agent, context, tool_names = [], foreign_tools = [] }: PromptInput): string {
  const instructions = agent.instructions.trim();
  const checks = describeChecks(agent);
  const research = describeResearch(tool_names);
  return [
    identity,
    whenToPlan,
    describePlanning(agent),
    ...(checks === null ? [] : [checks]),
    describeWork(agent),
    describeTools(agent),
    ...(research === null ? [] : [research]),
    describeAsking(agent),
    finishing,
    describeTrust(foreign_tools, research !== null),
    ...(instructions ? [`${instructionsHeading}\n\n${instructions}`] : []),
    ...(context.length > 0 ? [`${contextHeading}\n\n${quoteContext(context)}`] : []),
  ].join("\n\n");
}

function quoteContext(context: PromptInput["context"]): string {
  let left = MAX_CONTEXT_CHARACTERS;
  const entries: string[] = [];
  for (const [index, { description, value }] of context.entries()) {
    if (left <= 0) {
      entries.push(`(${context.length - index} more left out: the context is too long)`);
      break;
    }
    const name = JSON.stringify(cut(description, MAX_DESCRIPTION_CHARACTERS));
    const shown = cut(value, left);
    entries.push(`${name}:\n${fence(shown)}`);
    left -= shown.length + name.length;
  }
  return entries.join("\n\n");
}

/** A fenced block ends at a line of at least as many backticks, so the fence is longer than any run of them inside. */
function fence(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const marks = "`".repeat(longest + 1);
  return `${marks}\n${text}\n${marks}`;
}

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text.toWellFormed();
  return `${cutEnd(text, limit).toWellFormed()}… (${text.length - limit} characters left out)`;
}
