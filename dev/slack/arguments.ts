/**
 * Reads the arguments of a call, as a form or as JSON, and validates them against those that the method's documentation
 * lists.
 *
 * Slack ignores an unknown argument. This server rejects it: a test double that lets a misspelt name pass would be of
 * no use.
 */
import { invalidArguments, SlackError } from "./errors.ts";

export type Kind = "text" | "flag" | "number" | "json";

export interface Argument {
  kind: Kind;
  required?: true;
  /** In characters, for texts. */
  max?: number;
  values?: readonly string[];
}

export type Arguments = { [name: string]: Argument };

export interface Call {
  method: string;
  /** Values as read: JSON is parsed, also where a form field contains it. */
  values: Record<string, unknown>;
  token: string | undefined;
}

const maxArguments = 60;

/** `authorization` and `contentType` are the headers as they arrived. */
export function readCall(
  method: string,
  request: { authorization: string | undefined; contentType: string | undefined; query: URLSearchParams; body: string },
): Call {
  const bearer = /^Bearer (\S+)$/i.exec(request.authorization ?? "")?.[1];
  const type = (request.contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  const values: Record<string, unknown> = Object.fromEntries(request.query);
  // A token in the query would end up in logs; Slack accepts none there.
  delete values.token;
  if (type === "application/json") Object.assign(values, readJson(request.body));
  else if (type === "application/x-www-form-urlencoded")
    Object.assign(values, Object.fromEntries(new URLSearchParams(request.body)));
  else if (type !== "") throw new SlackError("invalid_post_type");
  else if (request.body !== "") throw new SlackError("missing_post_type");
  if (Object.keys(values).length > maxArguments) throw new SlackError("invalid_form_data");
  const odd = Object.keys(values).find((name) => !/^\w{1,60}$/.test(name));
  if (odd !== undefined) throw new SlackError("invalid_arg_name");
  // A token in JSON does not authenticate; one in a form does.
  const inForm = type !== "application/json" && typeof values.token === "string" ? values.token : undefined;
  delete values.token;
  // Bolt sends it with every method: it selects a workspace for an organization's token.
  delete values.team_id;
  return { method, values, token: bearer ?? inForm };
}

function readJson(body: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body === "" ? "{}" : body);
  } catch {
    throw new SlackError("invalid_json");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new SlackError("json_not_object");
  return parsed as Record<string, unknown>;
}

/** The values that the method accepts, each checked for its type. */
export function checkArguments(call: Call, expected: Arguments): Record<string, unknown> {
  const problems: string[] = [];
  const checked: Record<string, unknown> = {};
  for (const name of Object.keys(call.values))
    if (!Object.hasOwn(expected, name)) problems.push(`unknown argument: ${name}`);
  for (const [name, argument] of Object.entries(expected)) {
    const value = call.values[name];
    if (value === undefined || value === null || value === "") {
      if (argument.required) problems.push(`missing required field: ${name}`);
      continue;
    }
    const read = readValue(value, argument);
    if (read === undefined) problems.push(`invalid value for ${name}: a ${argument.kind} is expected`);
    else if (typeof read === "string" && read.length > (argument.max ?? Number.POSITIVE_INFINITY))
      problems.push(`must be no more than ${argument.max} characters [json-pointer:/${name}]`);
    else if (argument.values && !argument.values.includes(String(read)))
      problems.push(`must be one of ${argument.values.join(", ")} [json-pointer:/${name}]`);
    else checked[name] = read;
  }
  if (problems.length > 0) throw invalidArguments(...problems);
  return checked;
}

function readValue(value: unknown, { kind }: Argument): unknown {
  switch (kind) {
    case "text":
      return typeof value === "string" ? value : undefined;
    case "flag":
      if (value === true || value === "true" || value === "1" || value === 1) return true;
      return value === false || value === "false" || value === "0" || value === 0 ? false : undefined;
    case "number": {
      const number = typeof value === "string" ? Number(value) : value;
      return typeof number === "number" && Number.isFinite(number) ? number : undefined;
    }
    case "json":
      if (typeof value !== "string") return typeof value === "object" ? value : undefined;
      try {
        const parsed: unknown = JSON.parse(value);
        return typeof parsed === "object" && parsed !== null ? parsed : undefined;
      } catch {
        return undefined;
      }
  }
}
