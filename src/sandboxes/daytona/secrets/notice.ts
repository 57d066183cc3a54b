// What the model reads of the secrets: names and hosts, on one line. Both have passed strict patterns when they were
// stored.
import type { GivenSecret } from "../../provider.ts";

/** About 1,000 tokens. More are seldom given, and `env` lists their names. */
const SHOWN = 50;
const SHOWN_HOSTS = 3;

export function describeGiven(given: GivenSecret[]): string | null {
  if (given.length === 0) return null;
  const more = given.length > SHOWN ? `, and ${given.length - SHOWN} more` : "";
  return (
    "Commands get these environment variables, which the person stored as secrets: " +
    `${given.slice(0, SHOWN).map(describeOne).join(", ")}${more}. What tools show you, of files too, has *** in place of ` +
    "their values. Use them by name, and write neither a value nor its *** into a file, a message or an address."
  );
}

function describeOne({ name, hosts, kept_as }: GivenSecret): string {
  if (hosts.length === 0) return name;
  const shown = hosts.slice(0, SHOWN_HOSTS).join(", ") + (hosts.length > SHOWN_HOSTS ? ", …" : "");
  if (kept_as === null) return `${name} (meant for ${shown})`;
  return `${name} (a placeholder, which HTTPS requests to ${shown} turn into the value)`;
}
