import { describe, expect, it } from "vitest";
import { z } from "zod";
import { noSettings } from "../../test/fakes/settings.ts";
import { findSchemaFault } from "../agent/calls/json-schema.ts";
import { readConfig } from "../config.ts";
import { toolNames } from "../protocol/agents/tool-names.ts";
import { createTools } from "./index.ts";

const tools = createTools(noSettings);

describe("the tools of a server without optional settings", () => {
  it("are those of the contract, each name once", () => {
    expect(tools.map((tool) => tool.name).toSorted()).toEqual(
      [
        ...["create_tasks", "view_tasks", "clear_all", "update_tasks", "delete_tasks"],
        ...["execute_command", "check_command_output", "send_command_input", "terminate_command", "list_commands"],
        ...["create_file", "read_file", "edit_file", "delete_file", "move_file"],
        ...["git_clone", "git_status", "git_commit", "git_push", "git_pull", "git_branch"],
        ...["list_files", "find_files", "search_files", "expose_port", "fetch_url", "read_result", "ask", "complete"],
      ].toSorted(),
    );
  });

  it("are all that settings may name, with those that a setting offers", () => {
    const all = createTools(readConfig({ TAVILY_API_KEY: "k" } as never));
    expect(all.map(({ name }) => name).toSorted()).toEqual(toolNames.toSorted());
  });

  it.each(tools.map((tool) => [tool.name, tool] as const))(
    "describes %s to a model by a plain object schema",
    (_, tool) => {
      const { $schema, ...schema } =
        "json_schema" in tool.schema ? tool.schema.json_schema : z.toJSONSchema(tool.schema, { io: "input" });
      expect(findSchemaFault(schema)).toBeNull();
      expect(schema).toMatchObject({ type: "object", properties: expect.any(Object) });
      expect(JSON.stringify(schema)).not.toMatch(/\$ref|\$defs|anyOf|allOf|not"|9007199254740991/);
      expect(tool.description.length).toBeLessThan(400);
    },
  );

  it.each(tools.map((tool) => [tool.name, tool] as const))("lets %s repeat only if that is safe", (_, tool) => {
    if (tool.read_only) expect(tool.recovery).toBe("repeat");
    if (["edit_file", "move_file", "delete_file", "send_command_input", "git_commit", "git_push"].includes(tool.name)) {
      expect(tool.recovery).toBe("report");
    }
    expect(tool.recovery === "reattach").toBe(tool.name === "execute_command");
  });
});
