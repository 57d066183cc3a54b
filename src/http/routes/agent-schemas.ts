// Schemas of the agents' routes. They check names of tools and models against those of this server: an agent whose only
// tool is misspelled, or whose approval matches no tool, would look right and not work.
import { z } from "@hono/zod-openapi";
import type { Config } from "../../config.ts";
import { findRefusal } from "../../models/index.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import { describeUnknown, readApprovals } from "../../protocol/agents/approvals.ts";
import { modelOptions } from "../../protocol/agents/model-options.ts";
import { clientId } from "../../protocol/ids.ts";
import { late } from "../../protocol/schemas/late.ts";
import { limitNames, longList } from "../../protocol/schemas/many.ts";
import { createTools } from "../../tools/index.ts";
import * as examples from "../examples.ts";
import { time, title, wellFormed } from "../schemas.ts";

function toolsOf(toolNames: string[]) {
  return agentConfig.shape.tools
    .unwrap()
    .unwrap()
    .superRefine((names, issues) => {
      const place = names.findIndex((name) => !toolNames.includes(name));
      if (place >= 0)
        issues.addIssue({ code: "custom", path: [place], message: describeUnknown(names[place] ?? "", toolNames) });
    })
    .transform((names) => [...new Set(names)])
    .nullable()
    .openapi({
      description:
        "The tools for work that the agent has; null for all. It always has the tools for the plan and for people.",
    });
}

/** Says why a model can't be chosen, and which can. */
export type ModelCheck = (name: string) => string | null;

/** A name of a model, as a run or an agent gives it. */
export function modelNameOf(check: ModelCheck) {
  return wellFormed
    .min(1)
    .max(200)
    .superRefine((name, issues) => {
      const message = check(name);
      if (message !== null) issues.addIssue({ code: "custom", message });
    });
}

/** The step limit of a run or an agent, up to the operator's: a higher one would not hold. */
export function stepsUpTo(ceiling: number | null) {
  const steps = z.int().min(1).max(1000);
  return ceiling === null ? steps : steps.max(ceiling, `must be at most ${ceiling}, which the server's MAX_STEPS says`);
}

function fallbacksOf(check: ModelCheck) {
  return z
    .array(modelNameOf(check))
    .max(5)
    .transform((names) => [...new Set(names)]);
}

const options = late(() =>
  z
    .strictObject({
      reasoning_effort: modelOptions.shape.reasoning_effort,
      max_output_tokens: modelOptions.shape.max_output_tokens,
      extra_body: z
        .unknown()
        .pipe(modelOptions.shape.extra_body.unwrap())
        .openapi({ type: "object", additionalProperties: true })
        .optional(),
    })
    .openapi({
      description:
        "How hard the model thinks, its longest reply in tokens, and fields of one provider for the request's body.",
      example: { reasoning_effort: "low", max_output_tokens: 16_000 },
    }),
);

const MAX_APPROVALS = 100;
const pattern = late(() => wellFormed.min(1).max(500));
const call = late(() => z.strictObject({ tool: z.string(), pattern: pattern().optional() }));
// `readApprovals` parses these, because people write them in more forms than the errors of a schema can explain.
function approvalsOf(toolNames: string[]) {
  return z
    .union([
      limitNames(
        z.record(z.string(), z.union([pattern(), longList(pattern())])),
        MAX_APPROVALS,
        `names more than ${MAX_APPROVALS} tools`,
      ),
      z.array(z.union([z.string().max(600), call()])).max(MAX_APPROVALS),
    ])
    .transform((written, issues) => {
      const read = readApprovals(written, toolNames);
      if (read.ok) return read.value;
      issues.addIssue({ code: "custom", path: read.path, message: read.message });
      return z.NEVER;
    })
    .openapi({
      description:
        "Calls that a person must approve: patterns by tool, in which `*` is any text. Also accepted: one pattern in place of a list of one, and a list of `tool: pattern`, `tool` or `{tool, pattern}`.",
      example: { execute_command: ["rm *"] },
    });
}

const config = agentConfig.shape;
const agentName = late(() => title.min(1).max(200));

/** Only a new agent gets defaults. In a patch, an absent field stays as it is. */
function withoutDefaults<Fields extends Record<string, z.ZodDefault<z.ZodType>>>(fields: Fields) {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.unwrap().optional()])) as {
    [Name in keyof Fields]: z.ZodOptional<ReturnType<Fields[Name]["unwrap"]>>;
  };
}

function createBodies(toolNames: string[], check: ModelCheck, ceiling: number | null) {
  const tools = toolsOf(toolNames);
  const approvals = approvalsOf(toolNames);
  const model = modelNameOf(check).nullable();
  const fallbacks = fallbacksOf(check);
  const steps = stepsUpTo(ceiling);
  const given = {
    ...{ model: model.default(null), fallback_models: fallbacks.default([]), model_options: options().default({}) },
    ...{ tools: tools.default(null), approvals: approvals.default({}) },
    // The usual number stays what it is, and is lowered when a run begins.
    max_steps: steps.default(config.max_steps.parse(undefined)),
  };
  const changed = {
    ...{ model: model.optional(), fallback_models: fallbacks.optional(), model_options: options().optional() },
    ...{ tools: tools.optional(), approvals: approvals.optional(), max_steps: steps.optional() },
  };
  return {
    create: z
      .strictObject({ agent_id: clientId.optional(), name: agentName(), ...config, ...given })
      .openapi({ example: { name: "Shop builder", instructions: "Build small shops." } }),
    patch: z
      .strictObject({ name: agentName().optional(), ...withoutDefaults(config), ...changed })
      .openapi({ example: { max_steps: 50 } }),
  };
}

/** The bodies that `/openapi.json` describes, without names of tools and models. */
export const anyBodies = late(() => createBodies([], () => null, null));

type Bodies = ReturnType<typeof createBodies>;

const knownBodies = new WeakMap<Config, Bodies>();

/** The bodies that check names against the tools and models of this server. */
export function bodiesFor(config: Config): Bodies {
  const check: ModelCheck = (name) => findRefusal(config.models, name);
  const bodies = knownBodies.get(config) ?? createBodies(namesOfTools(config), check, config.limits.max_steps);
  knownBodies.set(config, bodies);
  return bodies;
}

function namesOfTools(config: Config): string[] {
  return createTools(config).map(({ name }) => name);
}

export const agent = late(() =>
  z
    .object({
      agent_id: z.string(),
      name: z.string(),
      version: z.int(),
      ...config,
      model_options: options(),
      pinned_version: z
        .int()
        .nullable()
        .openapi({ description: "The version that new runs start with; null for the newest." }),
      created_at: time,
      updated_at: time.openapi({ description: "When the shown version was made." }),
    })
    .openapi("Agent", { example: examples.agent }),
);

const version = z.int().min(1);
/** A version in a path or a query. */
export const versionText = z.coerce.number().int().min(1);
export const versionBody = late(() => z.strictObject({ version }).openapi({ example: { version: 2 } }));
export const comparison = late(() =>
  z
    .object({
      agent_id: z.string(),
      from: z.int(),
      to: z.int(),
      changes: z.array(z.object({ field: z.string(), from: z.unknown(), to: z.unknown() })),
    })
    .openapi("AgentComparison", { example: examples.comparison }),
);
