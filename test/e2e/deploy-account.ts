// An account with a deployment's settings ready, and what there is in it once a deploy is through.
import { expect } from "vitest";
import { type Account, activeVersion, makeAccount, type Script } from "../../dev/cloudflare/account.ts";
import {
  type CommandRun,
  type Deploying,
  type HealthyServer,
  someSecrets,
  startDeploying,
  startHealthy,
} from "../setup/deploying.ts";

export interface DeployAccount {
  deploying: Deploying;
  account: Account;
  /** In place of the deployed Worker. */
  server: HealthyServer;
  deploy(...args: string[]): Promise<CommandRun>;
  /** Is called with each request that the stand-in gets. */
  onRequest: (line: string) => void;
  close(): Promise<void>;
}

export async function startAccount(choice: Parameters<typeof makeAccount>[0] = {}): Promise<DeployAccount> {
  const onRequest = (line: string): void => opened.onRequest(line);
  const deploying = await startDeploying({ accounts: [makeAccount(choice)], onRequest });
  const server = await startHealthy();
  await deploying.writeSecrets();
  const opened: DeployAccount = {
    ...{ deploying, server, account: deploying.cloudflare.account },
    deploy: (...args) => deploying.deploy(["--url", server.url, ...args]),
    onRequest: () => {},
    close: async () => {
      await server.close();
      await deploying.close();
    },
  };
  return opened;
}

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
