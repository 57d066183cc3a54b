// The shelf of tools, in the order in which a model is told of them. A new tool is one file and one line here.
import type { Tool } from "../agent/tool.ts";
import { fileTools } from "./files.ts";
import { gitTools } from "./git.ts";
import { peopleTools } from "./people.ts";
import { portTools } from "./ports.ts";
import { resultTools } from "./results.ts";
import { searchTools } from "./search.ts";
import { shellTools } from "./shell.ts";
import { taskTools } from "./tasks.ts";

export const allTools: Tool[] = [
  ...taskTools,
  ...shellTools,
  ...fileTools,
  ...searchTools,
  ...gitTools,
  ...portTools,
  ...resultTools,
  ...peopleTools,
];
