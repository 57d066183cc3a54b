// Finds the regular expressions of a source file: literals, and calls of `RegExp`.
import { parseSync } from "vite";
import type { Source } from "../floors/sources.ts";

export interface Found {
  /** File and line. */
  place: string;
  expression: RegExp;
}

export interface FoundCall {
  place: string;
  /** A call at the top of its module, whose expression can be seen by loading the module. */
  isTop: boolean;
  /** Everything that is inserted is escaped, or a constant in upper case. */
  isEscaped: boolean;
}

interface Node {
  type: string;
  start: number;
  [key: string]: unknown;
}

export function findExpressions({ path, text }: Source): { literals: Found[]; calls: FoundCall[] } {
  const literals: Found[] = [];
  const calls: FoundCall[] = [];
  const visit = (value: unknown, isTop: boolean): void => {
    if (Array.isArray(value)) for (const each of value) visit(each, isTop);
    if (!isNode(value)) return;
    const place = `${path}:${text.slice(0, value.start).split("\n").length}`;
    const { pattern, flags } = (value.regex ?? {}) as { pattern?: string; flags?: string };
    if (pattern !== undefined) literals.push({ place, expression: new RegExp(pattern, flags) });
    if (/^(?:New|Call)Expression$/.test(value.type) && nameOf(value.callee) === "RegExp")
      calls.push({ place, isTop, isEscaped: (value.arguments as Node[]).every(isEscaped) });
    const isInside = isTop && !/Function|Method|PropertyDefinition/.test(value.type);
    for (const child of Object.values(value)) if (typeof child === "object") visit(child, isInside);
  };
  if (text.includes("/") || text.includes("RegExp")) visit(parseSync(path, text).program, true);
  return { literals, calls };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function nameOf(node: unknown): unknown {
  return isNode(node) ? node.name : undefined;
}

function isEscaped(node: Node): boolean {
  if (node.type === "Literal") return true;
  if (node.type !== "TemplateLiteral") return false;
  return (node.expressions as Node[]).every(
    (each) => nameOf(each.callee) === "escapePattern" || /^[A-Z_]+$/.test(String(nameOf(each))),
  );
}
