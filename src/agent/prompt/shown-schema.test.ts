import { describe, expect, it } from "vitest";
import { noSettings } from "../../../test/fakes/settings.ts";
import { createTools } from "../../tools/index.ts";
import { describeTool } from "../calls/tool-arguments.ts";
import type { Tool } from "../tool.ts";
import { simplifySchema } from "./shown-schema.ts";

const text = (more: Record<string, unknown>) => ({
  type: "object",
  properties: { maxLength: { type: "string", ...more } },
  required: ["maxLength"],
});

describe("simplifySchema", () => {
  it.each([{ maxLength: 10_000 }, { minLength: 2000 }, { pattern: "\\S" }, { pattern: "^\\d+$" }, { format: "uri" }])(
    "leaves out a keyword for which a server refuses the whole request: %o",
    (keyword) => {
      expect(simplifySchema(text(keyword))).toEqual(text({}));
      expect(simplifySchema({ type: "array", items: text(keyword), maxItems: 5000 })).toEqual({
        type: "array",
        items: text({}),
      });
      expect(simplifySchema({ anyOf: [text(keyword)], $defs: { maxItems: text(keyword) } })).toEqual({
        anyOf: [text({})],
        $defs: { maxItems: text({}) },
      });
    },
  );

  it.each([
    { maxLength: 200 },
    { minLength: 1 },
    { pattern: "^[a-z]{1,9}$" },
    { format: "date-time" },
    { default: { maxLength: 5000 } },
    { enum: ["\\S"] },
  ])("keeps what all servers take: %o", (keyword) => {
    expect(simplifySchema(text(keyword))).toEqual(text(keyword));
  });
});

describe("the tools that a model is shown", () => {
  const tools = createTools({ ...noSettings, fetch: { ...noSettings.fetch, offered: true } });
  const schemas = tools.map((tool) => [tool.name, JSON.stringify(describeTool(tool).parameters)] as const);

  it("have no bound that llama.cpp can't compile", () => {
    const bounds = /"(?:max|min)(?:Length|Items)":\d{4,}/;
    expect(schemas.filter(([, schema]) => bounds.test(schema)).map(([name]) => name)).toEqual([]);
  });

  it("name the fields of a check, since llama.cpp lets a model write no others", () => {
    const { parameters } = describeTool(tools.find(({ name }) => name === "create_tasks") ?? (tools[0] as Tool));
    const named = JSON.stringify(parameters);
    for (const field of ["run", "path", "contains", "port", "status", "question"])
      expect(named).toContain(`"${field}":{`);
  });
});
