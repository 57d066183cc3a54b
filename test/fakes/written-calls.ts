// Calls as models of each family write them.
/** How each model writes a call of a tool with a string, a number and a list of one object. */
export interface Form {
  name: string;
  write(tool: string, values: Record<string, unknown>): string;
  /** Around one or several calls. */
  wrap?: (calls: string) => string;
}

export const writeJson = (name: string, values: unknown, key = "arguments") =>
  `{"name": "${name}", "${key}": ${JSON.stringify(values)}}`;
const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
const each = (values: Record<string, unknown>, write: (key: string, value: unknown) => string) =>
  Object.entries(values)
    .map(([key, value]) => write(key, value))
    .join("");

export const forms: Form[] = [
  { name: "Hermes", write: (tool, values) => `<tool_call>\n${writeJson(tool, values)}\n</tool_call>` },
  { name: "Hermes without line breaks", write: (tool, values) => `<tool_call>${writeJson(tool, values)}</tool_call>` },
  {
    name: "Hermes with parameters",
    write: (tool, values) => `<tool_call>\n${writeJson(tool, values, "parameters")}\n</tool_call>`,
  },
  {
    name: "Hermes with arguments as a string",
    write: (tool, values) => `<tool_call>\n${writeJson(tool, JSON.stringify(values))}\n</tool_call>`,
  },
  {
    name: "Hermes with the name last",
    write: (tool, values) => `<tool_call>{"arguments": ${JSON.stringify(values)}, "name": "${tool}"}</tool_call>`,
  },
  {
    name: "Hermes in a fence",
    write: (tool, values) => `<tool_call>\n\`\`\`json\n${writeJson(tool, values)}\n\`\`\`\n</tool_call>`,
  },
  {
    name: "Hermes with one bracket too many",
    write: (tool, values) => `<tool_call>\n${writeJson(tool, values)}}\n</tool_call>`,
  },
  {
    name: "OpenAI's object",
    write: (tool, values) => `<tool_call>{"type": "function", "function": ${writeJson(tool, values)}}</tool_call>`,
  },
  { name: "several objects in one", write: writeJson, wrap: (calls) => `<tool_call>\n${calls}\n</tool_call>` },
  {
    name: "a list",
    write: (tool, values) => `${writeJson(tool, values)},`,
    wrap: (calls) => `<tool_calls>\n[${calls.replace(/,$/, "")}]\n</tool_calls>`,
  },
  { name: "a name before JSON", write: (tool, values) => `<tool_call>${tool}\n${JSON.stringify(values)}</tool_call>` },
  {
    name: "Kimi",
    write: (tool, values) =>
      `<|tool_call_begin|>functions.${tool}:0<|tool_call_argument_begin|>${JSON.stringify(values)}<|tool_call_end|>`,
    wrap: (calls) => `<|tool_calls_section_begin|>${calls}<|tool_calls_section_end|>`,
  },
  {
    name: "Kimi with spaces and no section",
    write: (tool, values) =>
      `<|tool_call_begin|> ${tool}:12 <|tool_call_argument_begin|> ${JSON.stringify(values)} <|tool_call_end|>`,
  },
  ...[
    "<｜DSML｜function_calls",
    "<｜DSML｜tool_calls",
    "<|DSML|tool_calls",
    "<｜｜DSML｜｜tool_calls",
    "<｜DSML｜ calls",
  ].map((open): Form => {
    const [, prefix = "", block = ""] = /^<(\W+DSML\W+)(\w+)$/.exec(open) ?? [];
    return {
      name: `DeepSeek ${prefix}${block}`,
      write: (tool, values) =>
        `<${prefix}invoke name="${tool}">\n${each(
          values,
          (key, value) =>
            `<${prefix}parameter name="${key}" string="${typeof value === "string"}">${asText(value)}</${prefix}parameter>\n`,
        )}</${prefix}invoke>\n`,
      wrap: (calls) => `<${prefix}${block}>\n${calls}</${prefix}${block}>`,
    };
  }),
  {
    name: "MiniMax",
    write: (tool, values) =>
      `<invoke name="${tool}">\n${each(values, (key, value) => `<parameter name="${key}">${asText(value)}</parameter>\n`)}</invoke>\n`,
    wrap: (calls) => `<minimax:tool_call>\n${calls}</minimax:tool_call>`,
  },
  {
    name: "Qwen3-Coder",
    write: (tool, values) =>
      `<tool_call>\n<function=${tool}>\n${each(values, (key, value) => `<parameter=${key}>\n${asText(value)}\n</parameter>\n`)}</function>\n</tool_call>`,
  },
  {
    name: "Qwen3-Coder without its first tag",
    write: (tool, values) =>
      `<function=${tool}>\n${each(values, (key, value) => `<parameter=${key}>\n${asText(value)}\n</parameter>\n`)}</function>\n</tool_call>`,
  },
  {
    name: "Qwen3-Coder without the end of its function",
    write: (tool, values) =>
      `<tool_call>\n<function=${tool}>\n${each(values, (key, value) => `<parameter=${key}>\n${asText(value)}\n</parameter>\n`)}</tool_call>`,
  },
  {
    name: "GLM",
    write: (tool, values) =>
      `<tool_call>${tool}\n${each(values, (key, value) => `<arg_key>${key}</arg_key>\n<arg_value>${asText(value)}</arg_value>\n`)}</tool_call>`,
  },
  {
    name: "GLM without line breaks",
    write: (tool, values) =>
      `<tool_call>${tool}${each(values, (key, value) => `<arg_key>${key}</arg_key><arg_value>${asText(value)}</arg_value>`)}</tool_call>`,
  },
  { name: "JSON in an invoke", write: (tool, values) => `<invoke name="${tool}">${JSON.stringify(values)}</invoke>` },
  { name: "JSON in a function", write: (tool, values) => `<function=${tool}>${JSON.stringify(values)}</function>` },
  { name: "Nemotron", write: (tool, values) => `<TOOLCALL>[${writeJson(tool, values)}]</TOOLCALL>` },
  { name: "LongCat", write: (tool, values) => `<longcat_tool_call>${writeJson(tool, values)}</longcat_tool_call>` },
];
