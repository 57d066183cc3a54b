/**
 * The SSH server for sandboxes: a port of its own on the loopback interface, where the user name is the token and there
 * is no password. The protocol ends here; the sandbox's keeper runs the client's commands.
 *
 * It starts listening with the first token: most servers never issue one, and the protocol takes a while to load. Its
 * key and, if nobody else takes it, its port outlive the server, so a command that was given out keeps working.
 */
import { readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { AuthContext, Connection } from "ssh2";
import type { Sandbox, Sandboxes } from "./sandboxes.ts";
import { findByToken, hasSshAccess } from "./ssh-access.ts";
import { readHostKey } from "./ssh-host-key.ts";
import { serveConnection, turnAway } from "./ssh-session.ts";

/** Far more than one person opens. */
const maxConnections = 128;
/** Between connecting and a valid token. */
const loginTimeoutMs = 30_000;
/** A client tries several methods with one user name: a token that is wrong at first stays wrong. */
const maxAttempts = 3;
const portName = "ssh-port";

export interface SshGatewayOptions {
  stateDirectory: string;
  sandboxes: Sandboxes;
  /** Why commands are refused here; undefined when they may run. */
  refusal: string | undefined;
}

export class SshGateway {
  readonly #options: SshGatewayOptions;
  readonly #sockets = new Set<Socket>();
  #listening: Promise<Server> | undefined;
  #closed = false;

  constructor(options: SshGatewayOptions) {
    this.#options = options;
  }

  /** Listens at once if an earlier server issued tokens. */
  async resume(): Promise<void> {
    if (this.#options.sandboxes.all().some(hasSshAccess)) await this.port();
  }

  async port(): Promise<number> {
    this.#listening ??= this.#listen().catch((error: unknown) => {
      this.#listening = undefined;
      throw error;
    });
    return ((await this.#listening).address() as AddressInfo).port;
  }

  async #listen(): Promise<Server> {
    const { default: ssh } = await import("ssh2");
    const key = await readHostKey(this.#options.stateDirectory, ssh.utils);
    const protocol = new ssh.Server({ hostKeys: [key] }, (client) => this.#serve(client));
    protocol.on("error", () => {});
    const server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.once("close", () => this.#sockets.delete(socket));
      protocol.injectSocket(socket);
    });
    server.maxConnections = maxConnections;
    const path = join(this.#options.stateDirectory, portName);
    const former = Number(await readFile(path, "utf8").catch(() => "0"));
    await listen(server, former).catch(() => listen(server, 0));
    await writeFile(path, String((server.address() as AddressInfo).port));
    if (this.#closed) server.close();
    return server;
  }

  #serve(client: Connection): void {
    const timer = setTimeout(() => client.end(), loginTimeoutMs);
    let attempts = 0;
    let sandbox: Sandbox | undefined;
    client.on("error", () => client.end());
    client.once("close", () => clearTimeout(timer));
    client.on("authentication", (request: AuthContext) => {
      attempts += 1;
      sandbox = request.method === "none" ? findByToken(this.#options.sandboxes, request.username) : undefined;
      if (sandbox) request.accept();
      else if (attempts >= maxAttempts) client.end();
      else request.reject([]);
    });
    client.once("ready", () => {
      clearTimeout(timer);
      if (sandbox) this.#enter(client, sandbox);
    });
  }

  #enter(client: Connection, { record, life }: Sandbox): void {
    if (this.#options.refusal !== undefined) turnAway(client, this.#options.refusal);
    else if (life && record.state === "started") serveConnection(client, life);
    else turnAway(client, `Sandbox is not started (state: ${record.state}). Start it, then connect again.`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const server = await this.#listening?.catch(() => undefined);
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}
