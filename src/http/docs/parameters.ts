// What parameters mean, and an example of each. Most have one meaning wherever they are, so it is said once, here. What an
// operation says itself counts.
import * as examples from "../examples.ts";

/** An example, and what the parameter is. */
const byName: Record<string, [example: unknown, description?: string]> = {
  thread_id: ["thread-001", "The thread's id."],
  invocation_id: ["inv-001", "The run's id."],
  project_id: ["proj-001", "The project's id."],
  agent_id: ["agent_default", "The agent's id."],
  user_id: ["user_ada", "The user's id."],
  actor_id: ["user_ada", "Only what this user did."],
  key_id: [examples.apiKey.key_id, "The key's id."],
  session_id: [examples.session.session_id, "The session's id."],
  trigger_id: ["trig_01jdf3k8x2m4n6p8q0r2s4t6v8", "The trigger's id."],
  webhook_id: [examples.webhook.webhook_id, "The webhook's id."],
  delivery_id: [examples.delivery.delivery_id, "The delivery's id."],
  team_id: ["T0123456789", "Slack's id of the workspace."],
  message_id: ["msg-001", "The message's id."],
  host: ["github.com", "The git host, with its port if it has one."],
  port: [3000, "The port in the sandbox."],
  name: ["STRIPE_API_KEY", "The name of the secret, and of the variable that has it."],
  version: [2, "The version's number."],
  from: [1, "The version to compare."],
  to: [3, "The version to compare it with."],
  limit: [50, "The most entries of a page."],
  cursor: ["eyJ2IjoxfQ"],
  days: [7],
  depth: [2, "How many levels of folders."],
  path: ["src/index.ts"],
  recursive: ["true"],
  made: ["revoke"],
  except: ["current"],
  type: ["user,assistant"],
  after: ["100"],
  include: ["ledger", "receipts"],
  wait: ["1"],
  on_disconnect: ["cancel"],
  whole_history: ["1"],
  status: ["failed", "Only deliveries with this status."],
  action: ["webhook.update", "Only entries with this action."],
  since: [examples.time, "Only entries from this time on."],
  until: [examples.time],
  ticket: ["4f1c0de9", "The ticket, from the `url` that its operation returned."],
  return_to: ["/", "Where to go after the sign-in."],
  code: ["SplxlOBeZQQYbYS6WxSbIA", "The code that the page before gave the browser."],
  state: ["9b2f61c7", "The state that this server sent to that page."],
  iss: ["https://id.example.com", "The issuer."],
  error: ["access_denied", "The error of that page, if it gave no code."],
  "idempotency-key": ["inv-001"],
  "last-event-id": ["100"],
  "taskloom-hops": ["1"],
};

interface Parameter {
  name: string;
  required?: boolean;
  description?: string;
  example?: unknown;
  schema: { description?: string; example?: unknown; examples?: unknown[] };
}

/** Adds what the parameter does not say itself. */
export function completeParameter(parameter: Parameter): void {
  const [example, description] = byName[parameter.name] ?? [];
  parameter.description ??= description;
  if (example === undefined || parameter.schema.example !== undefined || parameter.schema.examples) return;
  // A page that sends requests fills an example in, and what is optional is better left out.
  if (parameter.required) parameter.example ??= example;
  else parameter.schema.examples = [example];
}
