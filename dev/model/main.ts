// `npm run model -- --port N`: the scripted demo model alone, for any OpenAI-compatible client.
import { parseArgs } from "node:util";
import { outliveReader } from "../reader.ts";
import { startModel } from "./server.ts";
import { MODEL } from "./stream.ts";

const usage = `npm run model -- [--port 8801] [--tokens-per-second 90] [--no-reasoning]
  --tokens-per-second 0 is full speed`;

function readNumber(name: string, value: string | undefined, max: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value) && Number(value) <= max) return Number(value);
  throw new Error(`--${name} must be a whole number up to ${max}`);
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      port: { type: "string", default: "8801" },
      "tokens-per-second": { type: "string" },
      reasoning: { type: "boolean", default: true },
    },
  });
  const model = await startModel({
    port: readNumber("port", values.port, 65535) ?? 0,
    tokensPerSecond: readNumber("tokens-per-second", values["tokens-per-second"], 1_000_000),
    reasoning: values.reasoning,
  });
  console.log(`${MODEL} on ${model.baseUrl} (a script, not a real model; any key is accepted)`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void model.close());
  }
}

outliveReader();
run().catch((error: NodeJS.ErrnoException) => {
  console.error(error.code === "EADDRINUSE" ? "the port is already in use; choose another with --port" : error.message);
  if (error.code?.startsWith("ERR_PARSE_ARGS")) console.error(usage);
  process.exitCode = 1;
});
