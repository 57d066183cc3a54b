// What the other tests rely on, for servers with a Responses API: each accepts a client that keeps its rules, refuses a
// request that breaks just one of them with that rule, and notes a wish that is not kept.
import { describe, expect, it } from "vitest";
import { responsesClients } from "./breaks/responses.ts";
import { opening, step } from "./client.ts";
import { providers } from "./providers/index.ts";
import { askResponses, converseResponses, draftResponses, openResponsesServer } from "./responses-client.ts";
import { openStrictServer, type StrictServer } from "./server.ts";

const names = (list: StrictServer["refused"]) => list.map(({ rule }) => rule);
const withResponses = providers.filter(({ responses }) => responses !== undefined);

it("has a client for each strict server with a Responses API", () => {
  expect(new Set(responsesClients.map(({ provider }) => provider))).toEqual(new Set(withResponses));
  expect(responsesClients).toHaveLength(withResponses.length);
});

describe.each(
  responsesClients.map((client) => [`${client.provider.profile} ${client.provider.model}`, client] as const),
)("the Responses API of %s", (_name, client) => {
  const { provider, breaks, misses = {} } = client;
  const { rules = [], wishes = [] } = provider.responses ?? {};

  it("streams what the model says, and ends with the whole response and nothing behind it", async () => {
    const server = openStrictServer(provider, () => step);
    const { status, body, events, response } = await askResponses(server, draftResponses(client, opening));
    expect(status).toBe(200);
    expect(body).not.toContain("[DONE]");
    const textOf = (type: string) =>
      events.flatMap((event) => (event.type === type ? [String(event.delta)] : [])).join("");
    expect(textOf("response.output_text.delta")).toBe(step.text);
    const thoughts = textOf("response.reasoning_summary_text.delta") + textOf("response.reasoning_text.delta");
    expect(thoughts).toBe(step.reasoning);
    expect(textOf("response.function_call_arguments.delta")).toBe(
      step.calls.map((call) => JSON.stringify(call.arguments)).join(""),
    );
    expect(response?.output.map(({ type }) => type)).toEqual([
      "reasoning",
      "message",
      "function_call",
      "function_call",
    ]);
    expect(response?.usage).toMatchObject({ input_tokens: 120, output_tokens: 40, total_tokens: 160 });
    expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()]);
  });

  it("accepts a well-formed conversation of two turns", async () => {
    const server = openResponsesServer(provider);
    const answer = await askResponses(server, await converseResponses(client, server));
    expect([names(server.refused), names(server.missed)]).toEqual([[], []]);
    expect(answer.response?.status).toBe("completed");
    expect(server.accepted).toHaveLength(4);
  });

  it("has a request for each rule and wish that breaks it", () => {
    expect(Object.keys(breaks).toSorted()).toEqual(rules.map(({ name }) => name).toSorted());
    expect(Object.keys(misses).toSorted()).toEqual(wishes.map(({ name }) => name).toSorted());
  });

  it.each(Object.entries(breaks))("%s", async (name, breakRule) => {
    const server = openResponsesServer(provider);
    const request = await converseResponses(client, server);
    breakRule(request);
    const { status } = await askResponses(server, request);
    expect(names(server.refused)).toEqual([name]);
    expect(status).toBeGreaterThanOrEqual(400);
  });

  it.runIf(wishes.length > 0).each(Object.entries(misses))("%s, and refuses nothing without it", async (name, miss) => {
    const server = openResponsesServer(provider);
    const request = await converseResponses(client, server);
    miss(request);
    expect((await askResponses(server, request)).status).toBe(200);
    expect([names(server.refused), names(server.missed)]).toEqual([[], [name]]);
  });

  it("has a public source for each rule and wish", () => {
    for (const { source } of [...rules, ...wishes]) expect(source).toMatch(/^https:\/\/[\w.-]+\/\S+$/);
  });
});

it("a server without a Responses API says so", async () => {
  const server = openResponsesServer({ ...(withResponses[0] as (typeof withResponses)[number]), responses: undefined });
  const client = responsesClients[0] as (typeof responsesClients)[number];
  expect(await askResponses(server, draftResponses(client, opening))).toMatchObject({ status: 404 });
});
