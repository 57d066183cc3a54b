// What the walk expects of operations that are not simply refused to others.
import type { Case } from "./cases.ts";
import type { Kind } from "./names.ts";
import type { World } from "./world.ts";

/** Operations that need no key, why, and what they answer to somebody who has another user's ids only. */
export const openOperations: Record<string, { why: string; status: number }> = {
  "GET /healthz": { why: "A probe has no key, and it says nothing of users.", status: 200 },
  "GET /openapi.json": { why: "The description is the same for everybody.", status: 200 },
  "GET /auth/sign-in": { why: "A browser opens it to get a session; it says nothing of users.", status: 503 },
  "GET /auth/callback": { why: "The issuer sends the browser here with a state of ours.", status: 503 },
  "GET /docs": { why: "The page shows the description.", status: 200 },
  "POST /auth/sign-out": { why: "The cookie of a page of ours stands for a key.", status: 403 },
  "GET /v1/terminal": { why: "A browser's WebSocket can't send a key: its ticket stands for one.", status: 422 },
  "GET /v1/events": { why: "EventSource can't send a key: its ticket stands for one.", status: 401 },
  "GET /v1/download": { why: "A link can't send a key: its ticket stands for one.", status: 401 },
  "POST /hooks/{trigger_id}": { why: "A sender signs with the trigger's secret.", status: 401 },
  "POST /integrations/slack/events": { why: "Slack signs.", status: 401 },
  "POST /integrations/slack/interactivity": { why: "Slack signs.", status: 401 },
  "POST /integrations/slack/commands": { why: "Slack signs.", status: 401 },
  "GET /integrations/slack/install": { why: "A browser opens it: its ticket stands for a key.", status: 401 },
  "GET /integrations/slack/callback": { why: "Slack sends the browser here with a state of ours.", status: 401 },
};

const ofRun = ["thread_id", "invocation_id", "message_id", "idempotency-key"];
const ofAgUi = ["threadId", "runId", "messages.id", "messages.toolCallId"];

/**
 * Names that a client chooses for a thing of its own. Another user's thing with that name is not meant and not touched.
 */
const chosen: Record<string, string[]> = {
  "POST /v1/threads": ["thread_id"],
  "POST /v1/projects": ["project_id"],
  "POST /v1/agents": ["agent_id"],
  "POST /v1/threads/{thread_id}/runs": ofRun,
  "POST /v1/threads/{thread_id}/runs/stream": ofRun,
  "POST /ag-ui": ofAgUi,
  "POST /ag-ui/{agent_id}": ofAgUi,
  "POST /v1/triggers": ["thread"],
  "PATCH /v1/triggers/{trigger_id}": ["thread"],
  "POST /v1/triggers/{trigger_id}/run": ["idempotency-key"],
  "POST /v1/git-credentials": ["host"],
  "PUT /v1/projects/{project_id}/secrets/{name}": ["name"],
  "POST /v1/projects/{project_id}/sandbox/terminal": ["session"],
  // They select from what the caller may read.
  "GET /v1/audit": ["actor_id", "key_id"],
  "GET /v1/usage": ["thread_id", "project_id"],
  // A path is looked up when the ticket is used.
  "POST /v1/projects/{project_id}/sandbox/files/ticket": ["path"],
  "PUT /v1/projects/{project_id}/sandbox/files/content": ["path"],
};

const ofPlan = { statuses: [422], why: "The caller's plan has no such section or task." };
const ofThread = { statuses: [409, 422], why: "The caller's thread has asked no such question." };

/** The names in a request that can only mean a thing of the other user. */
export function meantOf({ operation, named }: Case, other: World): string[] {
  const own = chosen[operation.name] ?? [];
  const isOthers = (kind: Kind, value: string) =>
    !same.includes(kind) && Object.values(other.things).some((things) => things[kind] === value);
  return named.filter(({ name, kind, value }) => isOthers(kind, value) && !own.includes(name)).map(({ name }) => name);
}

/** Kinds whose values are the same for everybody. */
const same: Kind[] = ["port", "version"];

/** How an operation refuses one name of another user's thing, if not by 404: it looks among what the caller has. */
const refusals: Record<string, { statuses: number[]; why: string }> = {
  "PATCH /v1/threads/{thread_id}/tasks operations.section_id": ofPlan,
  "PATCH /v1/threads/{thread_id}/tasks operations.section_ids": ofPlan,
  "PATCH /v1/threads/{thread_id}/tasks operations.task_ids": ofPlan,
  "POST /v1/threads/{thread_id}/checks/run task_ids": ofPlan,
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume resume.interrupt_id": ofThread,
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume/stream resume.interrupt_id": ofThread,
  "POST /ag-ui resume.interruptId": ofThread,
  "POST /ag-ui/{agent_id} resume.interruptId": ofThread,
};

export interface AdminOperation {
  /** What it answers for another user's things. */
  status: number;
  why: string;
  /** The fields of its answer that are the account's, and no more of the user. */
  shows?: string[];
  /** It changes the account that it names, which is nobody's whom the walk watches. */
  changes?: true;
}

/** What only an admin may do. All else the admin key is refused as anybody is. */
export const adminOperations: Record<string, AdminOperation> = {
  "POST /v1/users": { status: 409, why: "It makes users, and an id is given once." },
  "GET /v1/metrics": { status: 200, why: "It counts over all users, and names none." },
  "GET /v1/server/runs": {
    status: 200,
    why: "It says which runs are live.",
    shows: ["user_id", "thread_id", "invocation_id"],
  },
  "GET /v1/server": { status: 200, why: "It says what an operator has to fix." },
  "GET /v1/users": { status: 200, why: "It lists accounts.", shows: ["user_id", "name"] },
  "GET /v1/usage/users": { status: 200, why: "It says who spends how much.", shows: ["user_id", "name"] },
  "GET /v1/users/{user_id}": { status: 200, why: "It counts what there is.", shows: ["user_id", "name"] },
  "GET /v1/users/{user_id}/api-keys": {
    status: 200,
    why: "Somebody must see which keys to revoke.",
    shows: ["key_id", "name", "made_by"],
  },
  "PATCH /v1/users/{user_id}": { status: 200, why: "It changes an account.", changes: true },
  "DELETE /v1/users/{user_id}": { status: 202, why: "It ends an account.", changes: true },
  "DELETE /v1/users/{user_id}/sessions": { status: 204, why: "It signs people out.", changes: true },
  // The thread in the path is another user's than the one in the path.
  "POST /v1/users/{user_id}/threads/{thread_id}/runs/{invocation_id}/cancel": {
    status: 404,
    why: "It ends a run that hangs.",
    changes: true,
  },
  // The key in the path is another user's than the one in the path.
  "DELETE /v1/users/{user_id}/api-keys/{key_id}": { status: 404, why: "It ends keys of who left.", changes: true },
};

/** What the admin key reads of all users, and why. */
export const adminReads: Record<string, string> = {
  "GET /v1/audit": "It says who did what, to whom it may concern (`audit.test.ts`).",
};

/** The statuses with which a request is refused that has another user's things everywhere, or only as `name`. */
export function refusalsOf({ operation }: Case, name?: string): number[] {
  if (operation.name in adminOperations) return [403];
  return refusals[`${operation.name} ${name}`]?.statuses ?? [404];
}

/**
 * Which things of a user an operation works on: those of a run that asks, of one that works, or of one that is over.
 */
export function neededThings(path: string): "asking" | "live" | "quiet" {
  if (/\/resume(?:\/stream)?$/.test(path)) return "asking";
  return /\/(?:cancel|inbox(?:\/[^/]+)?)$/.test(path) ? "live" : "quiet";
}
