// A tool with settings of its own: the weather of a city, from a service with a key. In the server this file is
// `src/tools/weather.ts`, and `WeatherSettings` and `readWeatherSettings` are in `src/config.ts`.
import { z } from "zod";
import { lenientObject } from "../../src/agent/calls/leniency.ts";
import { defineTool, type Tool, type ToolResult } from "../../src/agent/tool.ts";
import { readBoundedText } from "../../src/lib/network/bounded-body.ts";

export interface WeatherSettings {
  api_key: string;
  /** Ends with a slash. */
  base_url: string;
}

/** Null if the key is missing. Then there is no tool. */
export function readWeatherSettings(values: Partial<Record<string, string>>): WeatherSettings | null {
  const { WEATHER_API_KEY: api_key, WEATHER_API_URL: url } = values;
  if (!api_key) return null;
  return { api_key, base_url: (url || "https://weather.example/v1/").replace(/\/*$/, "/") };
}

// The service answers within a second. A model does better without the weather than with a long wait.
const TIME_LIMIT_MS = 10_000;
// An answer has a few hundred bytes.
const ANSWER_BYTES = 16 * 1024;

// A constant of the module: it is turned into JSON Schema once.
const weatherInput = lenientObject(
  { city: z.string().trim().min(1).max(100), unit: z.enum(["celsius", "fahrenheit"]).default("celsius") },
  { aliases: { city: ["location", "place"] } },
);

/** The fields of an answer that are used. Everything else is dropped. */
const weatherAnswer = z.object({ temperature: z.number(), conditions: z.string().max(200) });

export function createWeatherTools(settings: WeatherSettings | null): Tool[] {
  if (settings === null) return [];
  return [
    defineTool({
      name: "get_weather",
      description: "Get the current weather of a city.",
      schema: weatherInput,
      kind: "work",
      read_only: true,
      recovery: "repeat",
      time_limit_ms: TIME_LIMIT_MS,
      execute: (input, { signal }) => askService(settings, input, signal),
    }),
  ];
}

async function askService(
  { api_key, base_url }: WeatherSettings,
  { city, unit }: z.infer<typeof weatherInput>,
  signal: AbortSignal,
): Promise<ToolResult> {
  const address = new URL("current", base_url);
  address.search = new URLSearchParams({ city, unit }).toString();
  try {
    // The key goes in a header: addresses end up in logs. A redirect could carry it to another host.
    const headers = { authorization: `Bearer ${api_key}` };
    const response = await fetch(address, { headers, redirect: "manual", signal });
    const text = await readBoundedText(response, ANSWER_BYTES);
    if (!response.ok) return refuse(`The weather service answered ${response.status}.`);
    const { temperature, conditions } = weatherAnswer.parse(JSON.parse(text));
    // A service may echo what it was sent.
    const shown = conditions.replaceAll(api_key, "…");
    return {
      content: `${city}: ${temperature} degrees ${unit}, ${shown}`,
      is_error: false,
      details: { city, temperature },
    };
  } catch {
    // An error of the runtime may quote the request, so the text is our own.
    return refuse("The weather service was not reached, or its answer can't be read.");
  }
}

function refuse(content: string): ToolResult {
  return { content: `${content} Go on without it, or try again later.`, is_error: true };
}
