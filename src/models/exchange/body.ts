// Completes the body of a request: the operator's fields, what the agent asks for, the limit of the reply, and without
// what the server refuses. A request has few fields of its own: each more is one that some server refuses.
import type { ModelRequest, ToolDescription } from "../../agent/model.ts";
import { isRecord } from "../../lib/is-record.ts";
import { escapeFew } from "../../lib/json/ascii.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { findBodyFault } from "../../protocol/agents/body-fields.ts";
import type { Profile } from "../profiles/profile.ts";
import type { Body, Wire, WireContext } from "./wire.ts";

export function toBody(wire: Wire, request: ModelRequest, context: WireContext): Body {
  const { profile, extra_body = {} } = context;
  const { reasoning_effort, extra_body: asked = {} } = request.options ?? {};
  const body = wire.write(request, context);
  addFields(body, allowed(extra_body));
  if (reasoning_effort !== undefined) addFields(body, wire.effortFields(reasoning_effort));
  addFields(body, allowed(asked));
  addFields(body, limitOf(request, wire.limitField(profile), profile));
  for (const path of profile.omits) omit(body, path, wire.needed_fields);
  return body;
}

/**
 * The request as JSON. Tools and the conversation are by far its longest fields, and most of both was written before:
 * the tools with the conversation behind them are what a request has in common with the one before it.
 */
export function writeBody(wire: Wire, body: Body, request: ModelRequest, context: WireContext): string {
  const head = JSON.stringify(body).slice(0, -1);
  const tools = request.tools.map((tool) => writeTool(wire, shapeTool(tool, context.profile))).join(",");
  // OpenAI refuses an empty list.
  const shown = tools === "" ? "" : `,"tools":[${tools}]`;
  return `${head}${shown},"${wire.conversation_field}":${wire.writeConversation(request, context)}}`;
}

/** Our own are short. Those of a client, or of another server, may be longer than what its provider takes. */
function shapeTool(
  tool: ToolDescription,
  { description_limit: limit, omits_empty_schemas }: Profile,
): Omit<ToolDescription, "parameters"> & Partial<ToolDescription> {
  const isLong = limit !== null && tool.description.length > limit;
  const isEmpty = omits_empty_schemas && Object.keys(tool.parameters.properties ?? {}).length === 0;
  if (!isLong && !isEmpty) return tool;
  const { parameters: _, ...bare } = tool;
  return { ...(isEmpty ? bare : tool), description: isLong ? cutEnd(tool.description, limit) : tool.description };
}

/** Descriptions never change, and most are constants of an isolate. */
const writtenTools = new WeakMap<Wire, WeakMap<object, string>>();

function writeTool(wire: Wire, tool: ReturnType<typeof shapeTool>): string {
  const written = writtenTools.get(wire) ?? new WeakMap<object, string>();
  writtenTools.set(wire, written);
  const text = written.get(tool) ?? escapeFew(wire.writeTool(tool as ToolDescription));
  written.set(tool, text);
  return text;
}

/** The fields that the request can do without; those of its objects as `reasoning.summary`. */
export function optionalFields(wire: Wire, body: Body): string[] {
  return pathsOf(Object.fromEntries(Object.entries(body).filter(([field]) => !wire.needed_fields.has(field))));
}

/** Fields, and those of objects as `reasoning.summary`. */
export function pathsOf(fields: Readonly<Body>): string[] {
  return Object.entries(fields).flatMap(([field, value]) =>
    isRecord(value) ? [field, ...Object.keys(value).map((inner) => `${field}.${inner}`)] : [field],
  );
}

/** Agents are stored, and the rules of what may be sent can grow stricter afterwards. */
function allowed(fields: Readonly<Body>): Body {
  const isAllowed = ([field, value]: [string, unknown]) => findBodyFault({ [field]: value }) === null;
  return Object.fromEntries(Object.entries(fields).filter(isAllowed));
}

/** Fields of an object are added to those that are there: an effort leaves the summary in place. */
function addFields(body: Body, fields: Body): void {
  for (const [field, value] of Object.entries(fields)) {
    const before = body[field];
    body[field] = isRecord(before) && isRecord(value) ? { ...before, ...value } : value;
  }
}

/** The smallest of what the agent, the request and the server set. */
function limitOf({ max_output_tokens, options }: ModelRequest, field: string, { limit }: Profile): Body {
  const asked = options?.max_output_tokens;
  if (asked === undefined && (!limit.required || max_output_tokens === undefined)) return {};
  return { [field]: Math.min(...[asked, max_output_tokens, limit.max].filter((each) => each !== undefined)) };
}

function omit(body: Body, path: string, needed: ReadonlySet<string>): void {
  const [field = "", inner] = path.split(/\.(.*)/s);
  if (needed.has(field)) return;
  const value = body[field];
  if (inner === undefined) delete body[field];
  else if (isRecord(value)) {
    const { [inner]: _, ...rest } = value;
    if (Object.keys(rest).length > 0) body[field] = rest;
    else delete body[field];
  }
}
