/**
 * Starts and stops sandboxes: their processes, and what the server keeps about them meanwhile.
 */

import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { Container } from "./container.ts";
import type { Isolation } from "./isolation.ts";
import { relayGit } from "./relay.ts";
import type { Life, Sandbox } from "./sandboxes.ts";
import type { Secrets } from "./secrets.ts";
import { Sessions } from "./sessions.ts";
import { PtySessions } from "./terminals.ts";

interface LivesOptions {
  isolation: Isolation;
  etc: string;
  socketsDirectory: string;
  /** Whether git in a sandbox may reach this machine and private networks. */
  privateUrlsAllowed: boolean;
  secrets: Secrets;
}

export class Lives {
  readonly #options: LivesOptions;

  constructor(options: LivesOptions) {
    this.#options = options;
  }

  /** `onEnd` is called when the processes ended though nobody stopped the sandbox: a command killed the keeper. */
  async begin(sandbox: Sandbox, onEnd: () => void): Promise<void> {
    const { record, folder } = sandbox;
    const { isolation, etc, socketsDirectory, privateUrlsAllowed, secrets } = this.#options;
    // The daemon of 0.190 makes its home before it listens.
    const home = record.env.HOME ?? record.image.env.HOME;
    if (isolation === "bubblewrap" && home !== undefined && !/^\/(?:home\/daytona|tmp)(?:\/|$)/.test(home))
      throw new Error("timeout waiting for daemon to start");
    const container = await Container.start({
      isolation,
      folder,
      // The socket's path must stay short; 64 bits of the id distinguish the sandboxes of one server.
      sockets: join(socketsDirectory, createHash("sha256").update(record.id).digest("hex").slice(0, 16)),
      etc,
      variables: {
        ...record.image.env,
        ...record.env,
        ...secrets.placeholders(record.secrets),
        DAYTONA_SANDBOX_ID: record.id,
        DAYTONA_SANDBOX_USER: record.user,
      },
      workDir: record.image.workDir,
      limits: { memory: record.memory, disk: record.disk },
    });
    const life: Life = {
      container,
      sessions: new Sessions(container, join(folder, "logs")),
      terminals: new PtySessions(container),
      visitors: new Set(),
    };
    if (isolation === "bubblewrap") void relayGit(container, privateUrlsAllowed);
    sandbox.life = life;
    record.authToken = randomBytes(16).toString("hex");
    record.errorReason = undefined;
    record.recoverable = false;
    record.lastActivityAt = new Date().toISOString();
    void container.ended.then(() => {
      endConnections(life);
      if (sandbox.life !== life) return;
      sandbox.life = undefined;
      record.stoppedAt = new Date().toISOString();
      onEnd();
    });
  }

  async end(sandbox: Sandbox): Promise<void> {
    const { life } = sandbox;
    sandbox.life = undefined;
    sandbox.record.stoppedAt = new Date().toISOString();
    if (!life) return;
    endConnections(life);
    await life.container.stop();
  }
}

function endConnections({ sessions, terminals, visitors }: Life): void {
  sessions.close();
  terminals.close();
  for (const visitor of visitors) visitor.leave();
}
