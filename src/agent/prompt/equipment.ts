// What all model calls of a run have: the system prompt, and the descriptions of the tools. Runs with the same agent and
// tools get the same objects, so that what is known of them (their weight, their JSON) is found in the next run, and also
// in other threads of the isolate.
import { describeSchema } from "../calls/json-schema.ts";
import { describeTool } from "../calls/tool-arguments.ts";
import { estimateText, estimateTools } from "../context/tokens.ts";
import type { ModelMessage, ToolDescription } from "../model.ts";
import type { LoopInput } from "../ports.ts";
import type { Tool } from "../tool.ts";
import { buildSystemPrompt } from "./prompt.ts";
import { simplifySchema } from "./shown-schema.ts";

export interface Equipment {
  system: Extract<ModelMessage, { role: "system" }>;
  /** By name. */
  tools: ReadonlyMap<string, Tool>;
  /** Names of the client's tools, without those that the server's own tools have. */
  clientTools: ReadonlySet<string>;
  descriptions: ToolDescription[];
  /** Estimated tokens of the prompt and the descriptions. */
  fixed_size: number;
}

type Request = Pick<Equipment, "system" | "descriptions" | "fixed_size">;

/** Instructions and context of an agent may have 50,000 characters each, so this is at most 2 MB. */
const MAX_REQUESTS = 16;

/** By agent and list of tools, for runs whose client brings nothing. */
const equipped = new WeakMap<object, WeakMap<readonly Tool[], Equipment>>();
/** By system prompt, the newest last. Plain data, so it may be in module scope. */
const requests = new Map<string, Request>();

export function equip(input: LoopInput, tools: readonly Tool[]): Equipment {
  const { agent, context, client_tools } = input;
  if (context.length > 0 || client_tools.length > 0) return makeEquipment(input, tools);
  const byTools = equipped.get(agent) ?? new WeakMap<readonly Tool[], Equipment>();
  const equipment = byTools.get(tools) ?? makeEquipment(input, tools);
  byTools.set(tools, equipment);
  equipped.set(agent, byTools);
  return equipment;
}

function makeEquipment({ agent, context, client_tools }: LoopInput, all: readonly Tool[]): Equipment {
  const names = agent.tools;
  const own = all.filter((tool) => tool.kind !== "work" || names === null || names.includes(tool.name));
  // A client can't use the name of a server's tool, even if the agent may not use that tool.
  const offered = client_tools.filter(({ name }) => !all.some((tool) => tool.name === name));
  const namesOf = (isForeign: boolean) =>
    own.filter(({ source }) => (source !== undefined) === isForeign).map(({ name }) => name);
  const named = { tool_names: namesOf(false), foreign_tools: namesOf(true) };
  const prompt = buildSystemPrompt({ agent, context, ...named });
  return {
    ...makeRequest(prompt, [...own.map(describeTool), ...offered.map(describeOffered)]),
    tools: new Map(own.map((tool) => [tool.name, tool])),
    clientTools: new Set(offered.map((tool) => tool.name)),
  };
}

/** Clients send the schemas of their own libraries, and providers refuse a tool without the type of an object. */
function describeOffered({ parameters, ...tool }: ToolDescription): ToolDescription {
  return { ...tool, parameters: simplifySchema(describeSchema({ ...parameters, type: "object" })) };
}

function makeRequest(content: string, descriptions: ToolDescription[]): Request {
  const known = requests.get(content);
  const isSame =
    known?.descriptions.length === descriptions.length &&
    known.descriptions.every((description, at) => description === descriptions[at]);
  const request: Request =
    known !== undefined && isSame
      ? known
      : {
          system: known?.system ?? { role: "system", content },
          descriptions,
          fixed_size: estimateText(content) + estimateTools(descriptions),
        };
  requests.delete(content);
  requests.set(content, request);
  const [oldest] = requests.keys();
  if (requests.size > MAX_REQUESTS && oldest !== undefined) requests.delete(oldest);
  return request;
}
