// What a walk fills into the parameters and bodies of operations: each name stands for a thing of somebody, or for a
// value that fits anybody. A name that is missing here fails the walk with a sentence that says what to add.

/** What one user has, by kind. Kinds are named as the API names them. */
export interface Things {
  user_id: string;
  key_id: string;
  project_id: string;
  thread_id: string;
  invocation_id: string;
  message_id: string;
  /** A message that no run has taken. Only the thread with a live run has one. */
  waiting_id: string;
  interrupt_id: string;
  section_id: string;
  task_id: string;
  agent_id: string;
  trigger_id: string;
  webhook_id: string;
  delivery_id: string;
  team_id: string;
  host: string;
  /** A file of the project's sandbox. */
  file: string;
  /** The port that has a preview link. */
  port: string;
  /** The version of the agent that is not the first. */
  version: string;
  /** The name of a secret of the project's sandbox. */
  secret: string;
  /** The name of a terminal's shell. */
  session: string;
  session_id: string;
}

export type Kind = keyof Things;

/** `kind`: the thing of that kind. `value`: the same for everybody. `null`: left out. */
export type Filling = { kind: Kind } | { value: string } | null;

const kind = (name: Kind): Filling => ({ kind: name });
const value = (text: string): Filling => ({ value: text });

/** Parameters in paths. */
const inPath: Record<string, Filling> = {
  user_id: kind("user_id"),
  key_id: kind("key_id"),
  session_id: kind("session_id"),
  project_id: kind("project_id"),
  thread_id: kind("thread_id"),
  invocation_id: kind("invocation_id"),
  message_id: kind("message_id"),
  "PATCH /v1/threads/{thread_id}/inbox/{message_id} message_id": kind("waiting_id"),
  "DELETE /v1/threads/{thread_id}/inbox/{message_id} message_id": kind("waiting_id"),
  agent_id: kind("agent_id"),
  version: kind("version"),
  trigger_id: kind("trigger_id"),
  webhook_id: kind("webhook_id"),
  delivery_id: kind("delivery_id"),
  team_id: kind("team_id"),
  host: kind("host"),
  port: kind("port"),
  name: kind("secret"),
};

/** Parameters in queries. A name with an operation before it counts for that operation only. */
const inQuery: Record<string, Filling> = {
  limit: value("200"),
  // Cursors have tests of their own.
  cursor: null,
  path: kind("file"),
  "GET /v1/projects/{project_id}/sandbox/files path": value(""),
  "GET /v1/projects/{project_id}/sandbox/files/archive path": value(""),
  depth: value("5"),
  recursive: value("true"),
  type: value("user,assistant,tool,task_list,summary,status"),
  // `Last-Event-ID` wins.
  after: value("3"),
  "GET /v1/threads/{thread_id}/messages after": null,
  include: value("ledger"),
  "GET /v1/threads/{thread_id}/messages include": value("superseded"),
  wait: value("1"),
  // For admins; it has a test of its own.
  deep: null,
  on_disconnect: value("continue"),
  whole_history: value("0"),
  days: value("7"),
  from: value("1"),
  to: kind("version"),
  status: value("delivered"),
  made: value("revoke"),
  except: value("current"),
  user_id: kind("user_id"),
  actor_id: kind("user_id"),
  project_id: kind("project_id"),
  thread_id: kind("thread_id"),
  key_id: kind("key_id"),
  action: value("git_credential.set"),
  since: value("2020-01-01T00:00:00Z"),
  until: value("2100-01-01T00:00:00Z"),
  ticket: value("ticket-of-nobody"),
  code: value("code-of-nobody"),
  state: value("state-of-nobody"),
  "GET /v1/users state": value("active"),
  error: null,
  iss: null,
  return_to: value("/"),
};

const inHeader: Record<string, Filling> = {
  "idempotency-key": kind("invocation_id"),
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume idempotency-key": null,
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume/stream idempotency-key": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/regenerate idempotency-key": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/regenerate/stream idempotency-key": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit idempotency-key": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit/stream idempotency-key": null,
  "taskloom-hops": value("1"),
  traceparent: value("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
  // Beyond the last event: the reader gets a snapshot of all that is there.
  "taskloom-bookmark": value("first"),
  "last-event-id": value("100000000"),
};

/** Fields of bodies that name something, with the fields that hold them: `resume.interrupt_id`. */
const inBody: Record<string, Filling> = {
  user_id: kind("user_id"),
  project_id: kind("project_id"),
  thread_id: kind("thread_id"),
  threadId: kind("thread_id"),
  // Of a trigger: the thread that its runs go to.
  thread: kind("thread_id"),
  invocation_id: kind("invocation_id"),
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume invocation_id": null,
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume/stream invocation_id": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/regenerate invocation_id": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/regenerate/stream invocation_id": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit invocation_id": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit/stream invocation_id": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit message_id": null,
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit/stream message_id": null,
  runId: kind("invocation_id"),
  message_id: kind("message_id"),
  agent_id: kind("agent_id"),
  session: kind("session"),
  host: kind("host"),
  path: kind("file"),
  // A folder of a repository elsewhere.
  "git.path": null,
  "messages.id": kind("message_id"),
  "messages.toolCallId": kind("interrupt_id"),
  // Names of tools, which are the same for everybody.
  "tools.name": value("client_tool"),
  tools: null,
  "resume.interrupt_id": kind("interrupt_id"),
  "resume.interruptId": kind("interrupt_id"),
  "operations.section_id": kind("section_id"),
  "operations.section_ids": kind("section_id"),
  "operations.task_ids": kind("task_id"),
  // The caller's own name for its request.
  check_run_id: null,
  task_ids: kind("task_id"),
  // Looked up among the checks of the named tasks.
  "answers.check_id": null,
  // Looked up in the thread's own sandbox, when the check runs.
  "operations.checks.path": null,
  "operations.sections.tasks.checks.path": null,
  "operations.task_contents.checks.path": null,
  "operations.checks.json.path": null,
  "operations.sections.tasks.checks.json.path": null,
  "operations.task_contents.checks.json.path": null,
};

const places = { path: inPath, query: inQuery, header: inHeader, body: inBody };

export type Place = keyof typeof places;

export function fillingOf(operation: string, place: Place, name: string): Filling {
  const table = places[place];
  for (const key of [`${operation} ${name}`, name]) {
    const found = table[key];
    if (found !== undefined) return found;
  }
  throw new Error(
    `${operation}: the walk can't fill in ${name} (${place}). Add it to names.ts in test/worker/walk: with the kind of thing that it names, which world.ts makes if it is a new one, or with a value that fits.`,
  );
}
