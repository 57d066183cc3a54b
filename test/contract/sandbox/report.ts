/** What a run of the contract suite says, as a table for docs/sandboxes.md. */

/** One test as vitest's JSON reporter describes it. */
export interface Outcome {
  ancestorTitles: string[];
  title: string;
  status: string;
  failureMessages: string[];
}

const MAX_MESSAGE_CHARACTERS = 160;

export function describeOutcomes(outcomes: Outcome[]): { table: string; failures: string; failed: number } {
  const parts = Map.groupBy(outcomes, ({ ancestorTitles }) => ancestorTitles[1] ?? "all");
  const count = (tests: Outcome[], ...wanted: string[]) => tests.filter(({ status }) => wanted.includes(status)).length;
  const rowOf = (name: string, tests: Outcome[]) =>
    `| ${name} | ${count(tests, "passed")} | ${count(tests, "failed")} | ${count(tests, "skipped", "pending", "todo")} |`;
  const rows = [...parts].map(([name, tests]) => rowOf(name, tests));
  const failed = outcomes.filter(({ status }) => status === "failed");
  return {
    table: ["| part | passed | failed | skipped |", "|---|---|---|---|", ...rows, rowOf("all", outcomes)].join("\n"),
    failures: failed.map(describeFailure).join("\n"),
    failed: failed.length,
  };
}

function describeFailure({ ancestorTitles, title, failureMessages: [message = ""] }: Outcome): string {
  const [line = ""] = message.split("\n");
  return `- ${[...ancestorTitles.slice(1), title].join(": ")} (${line.slice(0, MAX_MESSAGE_CHARACTERS)})`;
}
