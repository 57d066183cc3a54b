// What tool descriptions can't say because it concerns several tools. A line about tools that the agent does not have
// would make the model call them, so it is left out.
import type { AgentConfig } from "../../protocol/agents/agent.ts";

/** `any`: one of the tools is enough. */
const lines: { about: string[]; any?: true; text: string }[] = [
  {
    about: ["create_file", "edit_file"],
    text: "Write files with create_file and change them with edit_file, not with shell commands. Read a file before you edit it.",
  },
  {
    about: ["execute_command"],
    text: "Nobody answers a command's questions: pass flags that do (--yes). What does not end, such as a server, runs with background: true; check_command_output shows it.",
  },
  {
    about: ["expose_port"],
    text: "To show a server: listen on 0.0.0.0, see that it answers, call expose_port, give the person its link.",
  },
  {
    about: ["git_clone", "git_pull", "git_push"],
    text: "Clone, pull and push with the git tools: only they have the person's stored credentials.",
  },
  {
    about: ["execute_command", "git_commit", "git_push"],
    any: true,
    text: "Never commit or push unasked, and never discard changes that are not yours.",
  },
];

const firstLine = "Paths are relative to the work dir.";
const lastLine = "Where a shortened output names a result_id, read_result {result_id, offset?} shows more of it.";

export function describeTools({ tools }: AgentConfig): string {
  const isOffered = (name: string) => tools === null || tools.includes(name);
  const offered = lines
    .filter(({ about, any }) => (any ? about.some(isOffered) : about.every(isOffered)))
    .map(({ text }) => text);
  return `# Tools\n\n${[firstLine, ...offered, lastLine].map((line) => `- ${line}`).join("\n")}`;
}
