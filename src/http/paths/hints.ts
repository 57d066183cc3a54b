// Says where to find what a client looks for. Programs and people try the same few paths first at a server that they
// don't know: for OpenAPI, MCP, OAuth, OpenAI's API, health. A 404 without a word makes them give up.

interface Hint {
  /** What it begins with, without the prefix. */
  paths: RegExp;
  says: string;
}

/** What comes before the word, for those who guess a version or a gateway's prefix. */
const before = /^\/(?:(?:v\d+|api)\/){0,3}/;

const agUi = "User interfaces connect by AG-UI: POST /ag-ui, or POST /ag-ui/{agent_id} for another agent.";

/** The first that fits counts. */
const hints: Hint[] = [
  {
    paths: /^(?:(?:docs\/)?(?:openapi|swagger|api-?docs|redoc|swagger-ui)(?:\.html|\.json|\.ya?ml)?)(?:\/|$)/,
    says: "The OpenAPI description is GET /openapi.json, and GET /docs shows it as a page.",
  },
  {
    paths: /^(?:mcp|sse)(?:\/|$)/,
    says: `There is no MCP here. ${agUi} Events of a thread are GET /v1/threads/{thread_id}/events.`,
  },
  {
    paths: /^(?:chat\/completions|completions|responses|embeddings|messages|assistants|chat|generate|engines)(?:\/|$)/,
    says: `There is no model API here. POST /v1/threads/{thread_id}/runs starts a run. ${agUi}`,
  },
  {
    paths: /^(?:ag_?ui|ag-ui|copilotkit|agent|a2a|acp|\.well-known\/agent(?:-card)?\.json|invocations)(?:\/|$)/,
    says: agUi,
  },
  {
    paths: /^(?:\.well-known\/(?:oauth|openid)-[^/]*|oauth2?|authorize|token|register|login)(?:\/|$)/,
    says: "Programs need no OAuth here: they send an API key as `Authorization: Bearer KEY`. People sign in on the page, /.",
  },
  {
    paths: /^(?:_?health(?:z|[_-]?check)?|live(?:z|ness)?|readyz?|readiness|ping|status|up)(?:\/|$)/,
    says: "Health is GET /healthz.",
  },
  {
    paths: /^(?:slack)(?:\/|$)/,
    says: "Slack's requests go to /integrations/slack/events, …/interactivity and …/commands.",
  },
];

/** Below a root whose paths need a key, which who guesses does not send. */
export const guessesWithoutKey = [
  ...["openapi.json", "openapi.yaml", "swagger.json", "api-docs", "docs", "mcp", "sse", "health", "healthz", "status"],
  ...["chat/completions", "completions", "responses", "embeddings", "messages", "ag-ui"],
].map((path) => `/v1/${path}`);

const usual = "The API is below /v1, and GET /openapi.json describes it.";

/** A sentence for whoever asked for a path that does not exist. */
export function hintAt(pathname: string): string {
  const guess = pathname.toLowerCase().replace(before, "");
  return hints.find(({ paths }) => paths.test(guess))?.says ?? usual;
}
