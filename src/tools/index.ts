// All tools, in the order the model sees them. A new tool is one file and one line here.
import type { Tool } from "../agent/tool.ts";
import type { ToolSource } from "../agent/tool-source.ts";
import type { Config } from "../config.ts";
import { type Send, sendAnywhere } from "../lib/network/send.ts";
import { fileTools } from "./files.ts";
import { gitTools } from "./git.ts";
import { peopleTools } from "./people.ts";
import { portTools } from "./ports.ts";
import { resultTools } from "./results.ts";
import { searchTools } from "./search.ts";
import { shellTools } from "./shell.ts";
import { taskTools } from "./tasks.ts";
import { createFetchTools } from "./web/fetch.ts";
import { createSearchTools } from "./web/search.ts";

/**
 * Makes a group of tools from its setting, for example `({ weather }) => createWeatherTools(weather)`. Without the
 * setting the group is empty. A tool keeps settings but no connection: objects of one isolate share no I/O. `send` is for
 * addresses that a user, a page or the model names.
 */
type ToolGroup = (config: Config, send: Send) => Tool[];

const groups: ToolGroup[] = [
  () => taskTools,
  () => shellTools,
  () => fileTools,
  () => searchTools,
  () => gitTools,
  () => portTools,
  createSearchTools,
  (config, send) => createFetchTools(config, { send }),
  () => resultTools,
  () => peopleTools,
];

export function createTools(config: Config, send = sendAnywhere): Tool[] {
  return groups.flatMap((create) => create(config, send));
}

export { createAskAddress } from "./web/ask-address.ts";

/** Sources of tools that differ by agent or change between runs, such as MCP servers, one line each. */
const sources: ((config: Config) => ToolSource[])[] = [];

export function createToolSources(config: Config): ToolSource[] {
  return sources.flatMap((create) => create(config));
}
