/**
 * Runs code, reports resource usage, and answers for toolbox routes that this server doesn't have.
 */
import { optionalTextMap, optionalTexts, readJson, sendJson } from "./bodies.ts";
import type { ToolboxContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { checkVariables, readTimeout, requireCommands, runToEnd } from "./process-routes.ts";
import type { Exchange, Handler } from "./routes.ts";

const languages = ["python", "typescript", "javascript"];
const gibi = 1024 ** 3;

export const codeRoutes: Record<string, Handler<ToolboxContext>> = {
  "POST /process/code-run": runCode,
  "GET /system/metrics": sendMetrics,
};

async function runCode(exchange: Exchange, context: ToolboxContext): Promise<void> {
  const body = await readJson(exchange.request);
  requireCommands(context);
  const { code, language } = body;
  if (typeof code !== "string" || code.trim() === "") throw new HttpError(400, "code is required");
  if (typeof language !== "string" || !languages.includes(language)) {
    throw new HttpError(400, `language must be one of ${languages.join(", ")}`);
  }
  const args = optionalTexts(body, "argv");
  if (args.some((argument) => argument.includes("\0"))) throw new HttpError(400, "argv can't hold a NUL byte");
  const variables = checkVariables(optionalTextMap(body, "envs"));
  // 0.190 joins them to a command's line without quotes.
  const order = {
    code,
    language,
    args: args
      .join(" ")
      .split(/\s+/)
      .filter((one) => one !== ""),
    variables,
  };
  const result = await runToEnd(context, "code", order, readTimeout(body.timeout));
  // Charts are drawn by a library that Daytona's snapshots include and this machine may not have.
  sendJson(exchange.response, 200, { ...result, artifacts: { charts: [] } });
}

/**
 * Processor and memory are the sandbox's configured ones, since nothing else says what it may use; the disk is this
 * machine's.
 */
async function sendMetrics(exchange: Exchange, { life, sandbox }: ToolboxContext): Promise<void> {
  const { cpu, memory } = sandbox.record;
  const measured = (await life.container.ask("metrics", { cpus: cpu })) as Record<string, unknown>;
  const now = new Date();
  sendJson(exchange.response, 200, {
    ...measured,
    cpuCount: cpu,
    memTotal: memory * gibi,
    memCache: 0,
    timestamp: now.toISOString(),
    timestampUnix: Math.floor(now.getTime() / 1000),
  });
}

const absent: [prefix: string, what: string][] = [
  ["/lsp/", "Language servers are"],
  ["/process/interpreter/", "The code interpreter is"],
  ["/computeruse/", "Computer use is"],
  ["/recordings", "Screen recording is"],
];

/** A message for a person who calls a part of Daytona that is not implemented here. */
export function describeAbsent(method: string, path: string): HttpError {
  const [, what] = absent.find(([prefix]) => `${path}/`.startsWith(prefix)) ?? [];
  const message = what
    ? `${what} not available in local sandboxes; a real Daytona has it`
    : `${method} ${path} is not supported by this server`;
  return new HttpError(501, message, "NOT_IMPLEMENTED");
}
