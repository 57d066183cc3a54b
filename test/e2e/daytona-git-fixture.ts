// A sandbox of the Daytona-compatible server beside a host of git.
import type { Sandbox } from "@daytonaio/sdk";
import { type Fixture, startFixture } from "./daytona-fixture.ts";
import { type GitServer, startGitServer } from "./git-server.ts";

export const ann = { username: "ann", password: "pass word+of/ann" };

export interface GitFixture {
  fixture: Fixture;
  host: GitServer;
  sandbox: Sandbox;
  shell(command: string, cwd?: string): Promise<string>;
  close(): Promise<void>;
}

export async function startGitFixture(): Promise<GitFixture> {
  const host = await startGitServer();
  const fixture = await startFixture();
  const sandbox = await fixture.client.create();
  return {
    ...{ fixture, host, sandbox },
    shell: async (command, cwd) => (await sandbox.process.executeCommand(command, cwd, undefined, 30)).result,
    close: async () => {
      await fixture.dispose();
      await host.close();
    },
  };
}
