// What the other tests rely on: each strict server accepts a client that keeps its rules, refuses a request that breaks
// just one of them with that rule, and notes a wish that is not kept.
import { describe, expect, it } from "vitest";
import { breakArguments, dropResults, stepOf } from "./breaks/changes.ts";
import { clientOf, clients } from "./breaks/index.ts";
import { ask, type Break, converse, draft, opening, openServer, repeat, step } from "./client.ts";
import { glm } from "./providers/glm.ts";
import { providers } from "./providers/index.ts";
import { openAiRules } from "./rules.ts";
import { openStrictServer, type StrictServer } from "./server.ts";

const names = (list: StrictServer["refused"]) => list.map(({ rule }) => rule);

/** The others are tested in responses-servers.test.ts. */
const withTools = providers.filter(({ only_responses = false }) => !only_responses);

it("has a client for each strict server", () => {
  expect(clients.map(({ provider }) => provider)).toEqual(expect.arrayContaining(withTools));
  expect(clients).toHaveLength(withTools.length);
});

describe.each(withTools.map((provider) => [`${provider.profile} ${provider.model} ${provider.base_url}`, provider]))(
  "the server of %s",
  (_name, provider) => {
    const client = clientOf(provider);
    const { breaks, misses = {} } = client;
    const { rules, wishes = [] } = provider;

    it("streams what the model says", async () => {
      const server = openStrictServer(provider, () => step);
      const { status, reply } = await ask(server, draft(client, opening));
      expect(status).toBe(200);
      expect(reply.text.replace(/^<(think|reasoning)>[\s\S]*<\/\1>\s*/, "")).toBe(step.text);
      expect(["", step.reasoning]).toContain(reply.reasoning);
      const calls = reply.calls.map(({ function: { name, arguments: written } }) => [name, JSON.parse(written)]);
      expect(calls).toEqual(step.calls.map(({ name, arguments: given }) => [name, given]));
      expect(["tool_calls", "stop"]).toContain(reply.finish);
      expect(reply.usage).toMatchObject({ prompt_tokens: 120, completion_tokens: 40, total_tokens: 160 });
    });

    it("accepts a well-formed conversation of three turns", async () => {
      const server = openServer(provider);
      const { body } = await converse(client, server);
      const { reply } = await ask(server, draft(client, body.messages));
      const messages = [...body.messages, repeat(client, reply), { role: "user", content: "Thanks." }];
      const closing = await ask(server, draft(client, messages));
      expect([names(server.refused), names(server.missed)]).toEqual([[], []]);
      expect(closing.reply.text).toBe("You are welcome.");
      expect(server.accepted).toHaveLength(5);
    });

    it("has a request for each rule and wish that breaks it", () => {
      expect(Object.keys(breaks).toSorted()).toEqual(rules.map(({ name }) => name).toSorted());
      expect(Object.keys(misses).toSorted()).toEqual(wishes.map(({ name }) => name).toSorted());
    });

    it.each(Object.entries(breaks))("%s", async (name, breakRule) => {
      const server = openServer(provider);
      const request = await converse(client, server);
      breakRule(request);
      const { status, body } = await ask(server, request);
      expect(names(server.refused)).toEqual([name]);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(JSON.stringify(JSON.parse(body))).toContain("message");
    });

    it.runIf(wishes.length > 0).each(Object.entries(misses))(
      "%s, and refuses nothing without it",
      async (name, miss) => {
        const server = openServer(provider);
        const request = await converse(client, server);
        miss(request);
        expect((await ask(server, request)).status).toBe(200);
        expect([names(server.refused), names(server.missed)]).toEqual([[], [name]]);
      },
    );

    it("has a public source for each rule and wish", () => {
      for (const { source } of [...rules, ...wishes]) expect(source).toMatch(/^https:\/\/[\w.-]+\/\S+$/);
    });
  },
);

describe("every server", () => {
  const breaks: Record<string, Break> = {
    "refuses a call without its result, or a result without its call": dropResults,
    "refuses two calls of one id in a request": (request) => {
      const repeated = structuredClone([stepOf(request), ...request.body.messages.slice(-2)]);
      request.body.messages.push(...repeated);
    },
    "refuses arguments that are not a JSON object": breakArguments,
  };

  it("has a request for each common rule that breaks it", () => {
    expect(Object.keys(breaks)).toEqual(openAiRules.map(({ name }) => name));
  });

  it.each(Object.entries(breaks))("%s", async (name, breakRule) => {
    const server = openServer(glm);
    const request = await converse(clientOf(glm), server);
    breakRule(request);
    await ask(server, request);
    expect(names(server.refused)).toEqual([name]);
  });
});
