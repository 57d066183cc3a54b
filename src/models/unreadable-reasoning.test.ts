// Encrypted reasoning that a server can't read any more.
import { afterEach, describe, expect, it } from "vitest";
import { type Asked, open, openai, refuse, sayResponses } from "../../test/contract/models/fake-apis.ts";
import type { ModelMessage } from "../agent/model.ts";
import { forgetRules, knownRules } from "./profiles/rules.ts";

afterEach(forgetRules);

describe("reasoning that can't be read any more", () => {
  const history = (...ids: string[]): ModelMessage[] =>
    ids.flatMap((id): ModelMessage[] => [
      { role: "user", content: "hi" },
      {
        role: "assistant",
        content: "ok",
        extras: {
          origin: "api.openai.com/v1 gpt",
          values: {
            output: [
              { type: "reasoning", id, summary: [], encrypted_content: `gAAA.${id}` },
              { type: "message", length: 2 },
            ],
          },
        },
      },
    ]);
  const sentIds = ({ body }: Asked) =>
    (body.input as { type: string; id?: string }[]).flatMap(({ type, id }) => (type === "reasoning" ? [id] : []));
  const openMemory = () => {
    const rules = new Map<string, string[]>();
    const read = (key: string) => rules.get(key) ?? [];
    return {
      read,
      add: (key: string, rule: string) => void rules.set(key, [...read(key), rule]),
      remove: (key: string, rule: string) =>
        void rules.set(
          key,
          read(key).filter((each) => each !== rule),
        ),
    };
  };
  const unreadable = (id: string) =>
    refuse(`The encrypted content for item ${id} could not be verified.`, 400, { code: "invalid_encrypted_content" });

  it("is no longer sent in this thread, and what comes later is", async () => {
    let account = "r";
    const { ask, asked } = open(
      (one) => {
        const foreign = sentIds(one).find((id) => !id?.startsWith(account));
        return foreign === undefined ? sayResponses() : unreadable(foreign);
      },
      { base_url: openai, memory: openMemory() },
    );
    await ask({ messages: history("r1", "r2") });
    account = "s";
    expect(await ask({ messages: history("r1", "r2") })).toMatchObject({ kind: "reply" });
    await ask({ messages: history("r1", "r2", "s1") });
    expect(asked.map(sentIds)).toEqual([["r1", "r2"], ["r1", "r2"], [], ["s1"]]);
    // Another thread of the isolate learns nothing of it.
    expect(knownRules("api.openai.com gpt-6.1-sol", undefined)).toEqual([]);
  });

  it("is sent no more at all by a server that can't read its own", async () => {
    const { ask, asked } = open((one) => (sentIds(one).length > 0 ? unreadable("r") : sayResponses()), {
      base_url: openai,
      memory: openMemory(),
    });
    const ids = ["r1", "r2", "r3", "r4", "r5"];
    for (const at of ids.keys())
      expect(await ask({ messages: history(...ids.slice(0, at + 1)) })).toMatchObject({ kind: "reply" });
    expect(asked.map(sentIds)).toEqual([["r1"], [], ["r2"], [], ["r3"], [], [], []]);
  });

  it.each([
    [404, "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."],
    [400, "Item 'rs_1' of type 'reasoning' was provided without its required following item."],
  ])("is left out too where a server misses it: %i %s", async (status, words) => {
    const { ask, asked } = open((one) => (sentIds(one).length > 0 ? refuse(words, status) : sayResponses()), {
      base_url: openai,
      memory: openMemory(),
    });
    expect(await ask({ messages: history("r1") })).toMatchObject({ kind: "reply" });
    expect(asked.map(sentIds)).toEqual([["r1"], []]);
  });
});
