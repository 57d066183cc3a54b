/**
 * A table of routes: `METHOD /path/{name}`, matched segment by segment.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpError } from "./errors.ts";

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  parameters: Record<string, string>;
  /** The state that the API reports instead of the true one, where a fault sets it. */
  reportedState?: string | undefined;
}

export type Handler<Context> = (exchange: Exchange, context: Context) => Promise<void> | void;

interface Route<Context> {
  method: string;
  segments: string[];
  handler: Handler<Context>;
}

export class Routes<Context> {
  readonly #routes: Route<Context>[];

  constructor(table: Record<string, Handler<Context>>) {
    this.#routes = Object.entries(table).map(([key, handler]) => {
      const [method = "", path = ""] = key.split(" ");
      return { method, segments: path.split("/").slice(1), handler };
    });
  }

  /** Finds the handler of a path (without the table's prefix), with its parameters decoded. */
  find(method: string, path: string): { handler: Handler<Context>; parameters: Record<string, string> } | undefined {
    const segments = path.split("/").slice(1);
    for (const route of this.#routes) {
      if (route.method !== method) continue;
      const parameters = matchSegments(route.segments, segments);
      if (parameters) return { handler: route.handler, parameters };
    }
    return undefined;
  }
}

function matchSegments(pattern: string[], segments: string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (part.startsWith("{")) parameters[part.slice(1, -1)] = decodeSegment(segment);
    else if (part !== segment) return undefined;
  }
  return parameters;
}

export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpError(400, "malformed path");
  }
}

/** Concatenated as text: a path such as `//x/y` must not become a host. */
export function parseTarget(request: IncomingMessage, origin: string): URL {
  const target = request.url ?? "/";
  if (!target.startsWith("/") || !URL.canParse(origin + target)) throw new HttpError(400, "malformed request target");
  return new URL(origin + target);
}

export function parameter(exchange: Exchange, name: string): string {
  const value = exchange.parameters[name];
  if (value === undefined || value === "") throw new HttpError(404, "Not Found");
  return value;
}

export function query(exchange: Exchange, name: string): string | undefined {
  return exchange.url.searchParams.get(name) ?? undefined;
}

export function requireQuery(exchange: Exchange, name: string): string {
  const value = query(exchange, name);
  if (value === undefined || value === "") throw new HttpError(400, `${name} is required`);
  return value;
}

export function integerParameter(text: string | undefined, name: string, minimum: number, maximum: number): number {
  const value = text !== undefined && /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value < minimum || value > maximum) {
    throw new HttpError(400, `${name} must be an integer from ${minimum} to ${maximum}`);
  }
  return value;
}
