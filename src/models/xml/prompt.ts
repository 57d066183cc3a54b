// What the prompt says about tools to a model without native ones: the form of a call, how values are written, and each
// tool as one line of JSON. The same tools give the same bytes.
import type { ModelMessage, ToolDescription } from "../../agent/model.ts";

const howToCall = `# How to call tools

You call tools by writing XML into your reply. For instance:

<function_calls>
<invoke name="create_tasks">
<parameter name="sections">[{"title": "Build", "tasks": ["Write the page", "Check that it opens"]}]</parameter>
</invoke>
</function_calls>

- One block may hold several <invoke>; they run in order. Say what you have to say before the block, and end your reply with </function_calls>. You get the results in the next message, in <function_results>. Never write <function_results> yourself.
- A parameter whose type is string holds the text as it is, without quotes and without escapes; line breaks and indentation are kept. Any other parameter holds JSON.
- Where a value itself holds tags such as <invoke>, <parameter> or </parameter>, or where entities such as &amp; must stay as they are written, put the whole value into <![CDATA[ and ]]>.
- Don't write a call into a code fence or between backticks: there it is an example and is not run. A call in your thoughts is not run either.
- In results, &lt; before the name of one of these tags stands for a plain <.

These are the tools; \`parameters\` is the JSON Schema of what they take:`;

const prompts = new WeakMap<ToolDescription[], string>();

/** A run passes the same list object at each step, so its description is cached. */
function describeTools(tools: ToolDescription[]): string {
  const known = prompts.get(tools);
  if (known !== undefined) return known;
  const lines = tools.map((tool) => `<function>${describeTool(tool)}</function>`);
  const described = `${howToCall}\n\n<functions>\n${lines.join("\n")}\n</functions>`;
  prompts.set(tools, described);
  return described;
}

/** Escaped within the rules of JSON, so that no description can end the line or the list. */
function describeTool({ name, description, parameters }: ToolDescription): string {
  return JSON.stringify({ name, description, parameters }).replace(/<\/(?=function)/gi, "<\\/");
}

/** Appended to the system prompt, which itself stays unchanged. */
export function withTools(messages: ModelMessage[], tools: ToolDescription[]): ModelMessage[] {
  if (tools.length === 0) return messages;
  const [first, ...rest] = messages;
  if (first?.role !== "system") return [{ role: "system", content: describeTools(tools) }, ...messages];
  return [{ role: "system", content: `${first.content}\n\n${describeTools(tools)}` }, ...rest];
}
