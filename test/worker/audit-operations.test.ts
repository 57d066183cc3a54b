// Every operation of `/openapi.json` that changes something is audited, or needs no entry for a reason that stands here.
import { env } from "cloudflare:test";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { auditActions } from "../../src/protocol/people/audit.ts";
import { ADMIN_KEY } from "./http-client.ts";
import { type Case, casesOf, describeCase } from "./walk/cases.ts";
import type { Things } from "./walk/names.ts";
import { type Operation, orderOf } from "./walk/operations.ts";
import { allOf, createStage, type Stage } from "./walk/stage.ts";
import type { World } from "./walk/world.ts";

const patience = { timeout: 60_000 };

const ofSandbox = "It works in the sandbox, and opens no way in that outlives the key.";
const ofWork = "It is the user's work, which its runs, versions and lists tell.";
const ofRun = "A run names the key that started it.";
const ofTicket = "A ticket opens one thing once, for the same key.";

/** What changes something and leaves no entry, and why. */
const withoutEntry: Record<string, string> = {
  "POST /v1/projects": ofWork,
  "PATCH /v1/projects/{project_id}": ofWork,
  "DELETE /v1/projects/{project_id}": ofWork,
  "DELETE /v1/projects/{project_id}/sandbox": ofSandbox,
  "POST /v1/projects/{project_id}/sandbox/start": ofSandbox,
  "POST /v1/projects/{project_id}/sandbox/stop": ofSandbox,
  "POST /v1/projects/{project_id}/sandbox/archive": ofSandbox,
  "PUT /v1/projects/{project_id}/sandbox/files/content": ofSandbox,
  "DELETE /v1/projects/{project_id}/sandbox/files/content": ofSandbox,
  "POST /v1/projects/{project_id}/sandbox/files/ticket": ofTicket,
  "POST /v1/threads/{thread_id}/events/ticket": ofTicket,
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/events/ticket": ofTicket,
  "POST /v1/projects/{project_id}/sandbox/terminal": ofTicket,
  "POST /v1/threads": ofWork,
  "PATCH /v1/threads/{thread_id}": ofWork,
  "DELETE /v1/threads/{thread_id}": ofWork,
  "PATCH /v1/threads/{thread_id}/tasks": ofWork,
  "DELETE /v1/threads/{thread_id}/checks/run": ofWork,
  "PATCH /v1/threads/{thread_id}/inbox/{message_id}": ofWork,
  "DELETE /v1/threads/{thread_id}/inbox/{message_id}": ofWork,
  "POST /v1/threads/{thread_id}/messages/{message_id}/regenerate": ofRun,
  "POST /v1/threads/{thread_id}/messages/{message_id}/regenerate/stream": ofRun,
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit": ofRun,
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit/stream": ofRun,
  "POST /v1/threads/{thread_id}/runs": ofRun,
  "POST /v1/threads/{thread_id}/runs/stream": ofRun,
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/cancel": ofRun,
  "POST /v1/agents": ofWork,
  "PATCH /v1/agents/{agent_id}": ofWork,
  "DELETE /v1/agents/{agent_id}": ofWork,
  "POST /v1/agents/{agent_id}/rollback": ofWork,
  "PUT /v1/agents/{agent_id}/pin": ofWork,
  "DELETE /v1/agents/{agent_id}/pin": ofWork,
  "POST /v1/triggers/{trigger_id}/run": ofRun,
  "POST /v1/webhooks/{webhook_id}/ping": "A delivery is in the webhook's log.",
  "POST /v1/webhooks/{webhook_id}/replay": "A delivery is in the webhook's log.",
  "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": "A delivery is in the webhook's log.",
  "POST /hooks/{trigger_id}": "A delivery is in the trigger's log.",
  "POST /v1/slack/install": "It answers an address. The connection that follows is audited.",
  "POST /integrations/slack/commands": "A command starts a run, which names the workspace and the person.",
};

/** Reads that record something. */
const recordingReads = ["GET /auth/callback", "GET /integrations/slack/callback"];

/** Tests of their own show what they record: answers to what runs ask, what needs a cookie, and the pages of others. */
const elsewhere = [
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume",
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume/stream",
  "POST /v1/threads/{thread_id}/checks/run",
  "POST /ag-ui",
  "POST /ag-ui/{agent_id}",
  "POST /integrations/slack/interactivity",
  "POST /integrations/slack/events",
  "POST /auth/sign-out",
  ...recordingReads,
];

let stage: Stage;
let world: World;

beforeAll(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  stage = await createStage();
  world = await stage.settle({ user_id: "user_audited", mark: "auditcanary", suffix: "of-audit", team_id: "TAUDIT" });
  await stage.admit("user_spare");
}, patience.timeout);
afterAll(() => vi.restoreAllMocks());

interface Row {
  entry_id: string;
  action: string;
  outcome: string | null;
  target: string | null;
  source: string;
  details: string;
}

async function newEntries<T>(work: () => Promise<T>): Promise<{ entries: Row[]; answer: T }> {
  const all = "SELECT * FROM audit_entries ORDER BY entry_id";
  const before = new Set((await env.DB.prepare(all).all<Row>()).results.map(({ entry_id }) => entry_id));
  const answer = await work();
  await stage.walker.settled();
  const { results } = await env.DB.prepare(all).all<Row>();
  return { entries: results.filter(({ entry_id }) => !before.has(entry_id)), answer };
}

function audited(): Operation[] {
  const isHere = ({ actions, name }: Operation) => actions.length > 0 && !elsewhere.includes(name);
  return stage.walker.operations.filter(isHere).toSorted((one, other) => orderOf(one) - orderOf(other));
}

/** Whoever is disabled or deleted does nothing more, so an admin changes another account. */
function thingsFor({ scope }: Operation): Things {
  return scope === "admin" ? { ...world.things.quiet, user_id: "user_spare" } : world.things.quiet;
}

/** An admin does what others may not. */
function keyFor({ scope }: Operation): string {
  return scope === "admin" ? ADMIN_KEY : world.first_key;
}

describe("an operation that changes something", patience, () => {
  it("is audited, or is listed here with the reason why not", () => {
    const changing = stage.walker.operations.filter(({ method, actions }) => method !== "GET" && actions.length === 0);
    expect(changing.map(({ name }) => name).sort()).toEqual(Object.keys(withoutEntry).sort());
    const reads = stage.walker.operations.filter(({ method, actions }) => method === "GET" && actions.length > 0);
    expect(reads.map(({ name }) => name)).toEqual(recordingReads);
  });

  it("names known actions", () => {
    const named = stage.walker.operations.flatMap(({ actions }) => actions);
    expect(named.filter((action) => !(auditActions as readonly string[]).includes(action))).toEqual([]);
  });
});

describe("an audited operation", patience, () => {
  /** The text of a body's leaf replaced by a secret in a form that may pass for what was there. */
  function withSecrets(asked: Case, secret: string): { body: unknown; at: string }[] {
    const found: { body: unknown; at: string }[] = [];
    const visit = (value: unknown, path: (string | number)[]): void => {
      if (Array.isArray(value)) for (const [place, item] of value.entries()) visit(item, [...path, place]);
      else if (typeof value === "object" && value !== null)
        for (const [key, item] of Object.entries(value)) visit(item, [...path, key]);
      else if (typeof value === "string")
        found.push({ at: path.join("."), body: replaced(asked.body, path, secretLike(value, secret)) });
    };
    visit(asked.body, []);
    return found;
  }

  function secretLike(value: string, secret: string): string {
    if (value.startsWith("http")) return `https://${secret}:${secret}@${secret}.example/${secret}?token=${secret}`;
    return value.startsWith("xoxb") ? `xoxb-${secret}` : secret;
  }

  function replaced(value: unknown, [first, ...rest]: (string | number)[], text: string): unknown {
    if (first === undefined) return text;
    const copy = structuredClone(value) as Record<string | number, unknown>;
    copy[first] = replaced(copy[first], rest, text);
    return copy;
  }

  /** What becomes the entry's target is a name, and no secret. */
  const targets = ["POST /v1/git-credentials host", "POST /v1/users user_id"];

  it("leaves no part of a body in an entry, whichever field holds a secret", async () => {
    let asked_times = 0;
    const { entries } = await newEntries(async () => {
      for (const operation of audited()) {
        for (const asked of casesOf(operation, allOf(thingsFor(operation)))) {
          if (typeof asked.body !== "object" || asked.body === null) continue;
          for (const { body, at } of withSecrets(asked, "hiddensecretcanary")) {
            if (targets.includes(`${operation.name} ${at}`)) continue;
            asked_times += 1;
            await stage.walker.ask({ ...asked, body }, keyFor(operation));
          }
          // Fields that the example lacks, as far as the operation takes them.
          const secret = "hiddensecretcanary";
          const more = { name: secret, secret, prompt: secret, password: secret, username: secret, reason: secret };
          for (const [field, value] of Object.entries(more)) {
            await stage.walker.ask({ ...asked, body: { ...asked.body, [field]: value } }, keyFor(operation));
          }
        }
      }
    });
    expect(asked_times).toBeGreaterThan(10);
    expect(entries.length).toBeGreaterThan(10);
    expect(JSON.stringify(entries)).not.toContain("hiddensecretcanary");
    expect(JSON.stringify(entries)).not.toMatch(/tl_[a-z\d]{26}_|whsec_|xoxb/);
  });

  it("leaves one entry with its action, its outcome, and the thing that its path names", async () => {
    const seen = new Set<string>();
    for (const operation of audited()) {
      for (const asked of casesOf(operation, allOf(thingsFor(operation)))) {
        // What is deleted is gone.
        if (asked.isBare && operation.method === "DELETE") continue;
        const { entries, answer } = await newEntries(() => stage.walker.ask(asked, keyFor(operation)));
        const done = answer.status < 300 ? "done" : "refused";
        const what = `${describeCase(asked)}: ${answer.status} ${answer.text}`;
        // The connection of a workspace that another account had is two acts.
        const [entry] = entries.filter(({ action }) => operation.actions.includes(action));
        expect([what, entry?.outcome]).toEqual([what, done]);
        expect(JSON.parse(entry?.source ?? "{}")).toMatchObject({
          type: "http",
          address: expect.stringMatching(/^10\./),
          request_id: answer.headers.get("x-request-id"),
        });
        // What ends all sessions names none.
        const target = operation.path.endsWith("/sessions") ? null : expect.stringMatching(/./);
        if (done === "done") expect([what, entry?.target]).toEqual([what, target]);
        if (done === "done") seen.add(operation.name);
      }
    }
    // An id is given once, and the walk's user exists. The key and the run in those paths are another user's.
    const refused = [
      "POST /v1/users",
      "POST /v1/users/{user_id}/threads/{thread_id}/runs/{invocation_id}/cancel",
      "DELETE /v1/users/{user_id}/api-keys/{key_id}",
    ];
    const names = audited().map(({ name }) => name);
    expect([...seen].sort()).toEqual(names.filter((name) => !refused.includes(name)).sort());
  });
});
