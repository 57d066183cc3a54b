// What there is once a deploy is through.
import { expect } from "vitest";
import { type Account, activeVersion, type Script } from "../../dev/cloudflare/account.ts";
import { someSecrets } from "../setup/deploying.ts";

export function scriptOf({ scripts }: Account, name: string): Script {
  const script = scripts.get(name);
  if (script === undefined) throw new Error(`${name} is not deployed`);
  return script;
}

export function expectWhole(account: Account, name = "taskloom"): void {
  const { classes, schedules, subdomain } = scriptOf(account, name);
  expect(account.databases.filter((each) => each.name === name)).toHaveLength(1);
  for (const queue of [`${name}-jobs`, `${name}-dead`]) {
    const found = account.queues.filter(({ queue_name }) => queue_name === queue);
    expect(found.map(({ consumers }) => consumers.map(({ script }) => script))).toEqual([[name]]);
  }
  expect([...classes]).toEqual([["ThreadObject", true]]);
  expect(schedules).toEqual([{ cron: "* * * * *" }]);
  expect(subdomain.enabled).toBe(true);
  const bound = activeVersion(scriptOf(account, name))?.bindings ?? [];
  const dead = { name: "DEAD_QUEUE", type: "plain_text", text: `${name}-dead` };
  expect(bound).toContainEqual(dead);
  expect(
    bound
      .filter(({ type }) => type === "secret_text")
      .map((each) => each.name)
      .sort(),
  ).toEqual(Object.keys(someSecrets).sort());
}
