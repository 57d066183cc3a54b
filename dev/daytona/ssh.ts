/**
 * SSH for sandboxes: tokens, and a port of its own on the loopback interface, where the user name is the token and there
 * is no password. The protocol ends here; the sandbox's keeper runs the client's commands.
 *
 * The gateway starts listening with the first token: most servers never issue one, and the protocol takes a while to
 * load. Its key and, if nobody else takes it, its port outlive the server, so a command that was issued keeps working.
 */
import { randomInt, randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { AuthContext, Connection, PseudoTtyInfo, ServerChannel, Session, utils } from "ssh2";
import { equal } from "./access.ts";
import { type Container, readReply } from "./container.ts";
import { type Exchange, type Handler, HttpError, parameter, query, requireQuery, sendJson } from "./http.ts";
import { frameKind, parseJson, writeFrame, writeJson } from "./keeper/channel.ts";
import type { ServerContext } from "./parts.ts";
import { describeSandbox } from "./sandbox-shapes.ts";
import type { Life, Sandbox, Sandboxes, SshAccess } from "./sandboxes.ts";
import { maxSide, PtyProcess } from "./terminals.ts";

const defaultMinutes = 60;
/** A year. */
const maxMinutes = 525_600;
const minuteMs = 60_000;
/** A token is a user name on a command line: letters and digits only, about 190 bits. */
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const tokenCharacters = 32;

export const sshRoutes: Record<string, Handler<ServerContext>> = {
  "POST /sandbox/{id}/ssh-access": create,
  "DELETE /sandbox/{id}/ssh-access": revoke,
  "GET /sandbox/ssh-access/validate": (exchange, { sandboxes, rules, access }) => {
    // apps/api/src/sandbox/controllers/sandbox.controller.ts, SshGatewayAuthContextGuard: only for the gateway's key.
    if (rules.mode === "0.190" && !access.isGateway(exchange.request)) throw new HttpError(403, "Forbidden resource");
    const sandbox = findByToken(sandboxes, requireQuery(exchange, "token"));
    sendJson(exchange.response, 200, { valid: sandbox !== undefined, sandboxId: sandbox?.record.id ?? null });
  },
};

/** Compares with every token, so that the duration reveals nothing about any. */
export function findByToken(sandboxes: Sandboxes, token: string): Sandbox | undefined {
  return sandboxes
    .all()
    .filter((sandbox) => equal(sandbox.record.sshAccess?.token ?? "", token) && hasSshAccess(sandbox))[0];
}

function hasSshAccess({ record: { sshAccess } }: Sandbox): boolean {
  return sshAccess !== undefined && Date.parse(sshAccess.expiresAt) > Date.now();
}

async function create(exchange: Exchange, context: ServerContext): Promise<void> {
  const sandbox = context.sandboxes.require(parameter(exchange, "id"));
  const minutes = readMinutes(query(exchange, "expiresInMinutes"));
  const port = await context.sshPort();
  const now = Date.now();
  const access: SshAccess = {
    id: randomUUID(),
    token: Array.from({ length: tokenCharacters }, () => letters.charAt(randomInt(letters.length))).join(""),
    createdAt: new Date(now).toISOString(),
    updatedAt: new Date(now).toISOString(),
    expiresAt: new Date(now + minutes * minuteMs).toISOString(),
  };
  sandbox.record.sshAccess = access;
  await context.sandboxes.save(sandbox);
  const sshCommand = `ssh -p ${port} ${access.token}@127.0.0.1`;
  sendJson(exchange.response, 200, { ...access, sandboxId: sandbox.record.id, sshCommand });
}

function readMinutes(text: string | undefined): number {
  if (text === undefined || text === "") return defaultMinutes;
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= maxMinutes)) {
    throw new HttpError(400, `expiresInMinutes must be a number above 0, ${maxMinutes} at most`);
  }
  return minutes;
}

/** Open connections stay, as with the real gateway, which checks the token when they begin. */
async function revoke(exchange: Exchange, context: ServerContext): Promise<void> {
  const sandbox = context.sandboxes.require(parameter(exchange, "id"));
  const token = query(exchange, "token");
  const { sshAccess } = sandbox.record;
  if (sshAccess && (token === undefined || token === "" || equal(sshAccess.token, token))) {
    sandbox.record.sshAccess = undefined;
    await context.sandboxes.save(sandbox);
  }
  sendJson(exchange.response, 200, describeSandbox(sandbox, context.origin()));
}

/** Far more than one person opens. */
const maxConnections = 128;
/** Between connecting and a valid token. */
const loginTimeoutMs = 30_000;
/** A client tries several methods with one user name: a token that is wrong at first stays wrong. */
const maxAttempts = 3;
const portName = "ssh-port";

interface SshGatewayOptions {
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

/** Each uses a connection to the keeper. An editor that forwards ports opens some dozens. */
const maxChannels = 128;
/** Host names by which a port-forwarding client may address the sandbox: nothing else is in its network. */
const ownHosts = ["localhost", "127.0.0.1", "::1", "sandbox"];
const termName = /^[\w.+-]{1,64}$/;
const failureExitCode = 255;

/** Where common systems install the sftp server. */
const fileCommand = `for folder in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec
do test -x $folder/sftp-server && exec $folder/sftp-server; done; echo "this sandbox has no sftp-server" >&2; exit 127`;

function serveConnection(client: Connection, life: Life): void {
  const { container } = life;
  const channels = new Set<AbortController>();
  const visitor = { leave: () => void client.end() };
  life.visitors.add(visitor);
  client.once("close", () => {
    life.visitors.delete(visitor);
    for (const channel of channels) channel.abort();
  });
  const openChannel = (): AbortController => {
    const gone = new AbortController();
    channels.add(gone);
    gone.signal.addEventListener("abort", () => channels.delete(gone));
    return gone;
  };
  client.on("session", (accept, reject) => {
    if (channels.size >= maxChannels) return reject();
    const gone = openChannel();
    const session = accept();
    session.once("close", () => gone.abort());
    serveSession(session, container, gone.signal);
  });
  client.on("tcpip", (accept, reject, { destIP, destPort }) => {
    if (channels.size >= maxChannels || !ownHosts.includes(destIP)) return reject();
    const gone = openChannel();
    forwardPort(container, destPort, accept, gone).catch(() => {
      gone.abort();
      reject();
    });
  });
}

/** For a client that may enter but finds no running sandbox: sends the reason as a program's error output. */
function turnAway(client: Connection, reason: string): void {
  client.on("session", (accept) => {
    const session = accept();
    const rejectChannel = (acceptChannel: () => ServerChannel): void => {
      const channel = acceptChannel();
      channel.stderr.write(`${reason}\r\n`);
      channel.exit(failureExitCode);
      channel.end();
      channel.resume();
    };
    session.on("pty", (acceptPty) => acceptPty?.());
    session.on("shell", rejectChannel);
    session.on("exec", rejectChannel);
    session.on("subsystem", rejectChannel);
    session.once("close", () => client.end());
  });
}

function serveSession(session: Session, container: Container, gone: AbortSignal): void {
  let terminal: PseudoTtyInfo | undefined;
  let program: Program | undefined;
  session.on("pty", (accept, _reject, info) => {
    terminal = info;
    accept?.();
  });
  session.on("window-change", (accept, _reject, { cols, rows }) => {
    if (terminal) Object.assign(terminal, { cols, rows });
    program?.resize(cols, rows);
    accept?.();
  });
  session.on("signal", (accept, _reject, { name }) => {
    program?.signal(name);
    accept?.();
  });
  const run = async (accepted: ServerChannel, start: Promise<Program>): Promise<void> => {
    const channel = new SshChannel(accepted, gone);
    try {
      program = await start;
      channel.end(await program.follow(channel));
    } catch (error) {
      await channel.write("stderr", `${error instanceof Error ? error.message : "failed"}\r\n`);
      channel.end(failureExitCode);
    }
  };
  session.on("shell", (accept) => {
    void run(accept(), terminal ? startShell(container, terminal, gone) : startCommand(container, "", gone));
  });
  // A command has plain streams even where a terminal was requested, as in the real daemon.
  session.on("exec", (accept, _reject, { command }) => void run(accept(), startCommand(container, command, gone)));
  session.on("subsystem", (accept, reject, { name }) => {
    if (name === "sftp") void run(accept(), startCommand(container, fileCommand, gone));
    else reject();
  });
}

interface Program {
  resize(cols: number, rows: number): void;
  signal(name: string): void;
  /** Connects it to the client. Resolves with its exit code when all of its output is sent. */
  follow(channel: SshChannel): Promise<number | undefined>;
}

function clampSide(side: number): number {
  return Math.min(Math.max(side, 1), maxSide);
}

async function startShell(container: Container, terminal: PseudoTtyInfo, gone: AbortSignal): Promise<Program> {
  const pty = await PtyProcess.start(container, {
    cwd: "",
    variables: { TERM: termName.test(terminal.term) ? terminal.term : "xterm-256color" },
    cols: clampSide(terminal.cols),
    rows: clampSide(terminal.rows),
  });
  if (gone.aborted) pty.hangUp();
  gone.addEventListener("abort", () => pty.hangUp());
  return {
    resize: (cols, rows) => void pty.resize(clampSide(cols), clampSide(rows)).catch(() => undefined),
    signal: () => {},
    follow: (channel) => {
      void channel.feed((data) => pty.write(data));
      return pty.follow((output) => channel.write("stdout", output));
    },
  };
}

async function startCommand(container: Container, command: string, gone: AbortSignal): Promise<Program> {
  const { socket, reader } = await container.open("streams", { command });
  gone.addEventListener("abort", () => socket.destroy());
  if (gone.aborted) socket.destroy();
  readReply(await reader.next());
  const follow = async (channel: SshChannel): Promise<number | undefined> => {
    void channel
      .feed((data) => writeFrame(socket, frameKind.data, data))
      .then(() => writeFrame(socket, frameKind.finish, Buffer.alloc(0)));
    try {
      for (let frame = await reader.next(); frame; frame = await reader.next()) {
        if (frame.kind === frameKind.json) return Number(parseJson(frame).exitCode);
        await channel.write(frame.kind === frameKind.stderr ? "stderr" : "stdout", frame.payload);
      }
      return undefined;
    } finally {
      socket.destroy();
    }
  };
  return { resize: () => {}, signal: (name) => void writeJson(socket, { signal: name }), follow };
}

async function forwardPort(
  container: Container,
  port: number,
  accept: () => ServerChannel,
  gone: AbortController,
): Promise<void> {
  const socket = await container.join(port);
  const channel = accept();
  const end = (): void => {
    socket.destroy();
    gone.abort();
  };
  channel.on("error", end).once("close", end);
  gone.signal.addEventListener("abort", () => socket.destroy());
  socket.once("close", () => channel.end());
  channel.pipe(socket).pipe(channel);
}

class SshChannel {
  readonly #channel: ServerChannel;
  readonly #gone: AbortSignal;

  /** `gone` rather than the library's `close` event, which waits until all that the client sent has been read. */
  constructor(channel: ServerChannel, gone: AbortSignal) {
    this.#channel = channel;
    this.#gone = gone;
    channel.on("error", () => {});
    channel.stderr.on("error", () => {});
  }

  /** Resolves when the data is sent or the client has gone. One write at a time. */
  write(stream: "stdout" | "stderr", data: Buffer | string): Promise<void> {
    if (this.#gone.aborted) return Promise.resolve();
    const sink = stream === "stderr" ? this.#channel.stderr : this.#channel;
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#gone.removeEventListener("abort", settle);
        forgetSent(this.#channel);
        resolve();
      };
      this.#gone.addEventListener("abort", settle);
      sink.write(data, settle);
    });
  }

  /** Passes on what the client sends, chunk by chunk, until it ends its input or disconnects. */
  async feed(take: (data: Buffer) => Promise<void>): Promise<void> {
    const channel = this.#channel;
    // Not with `for await`: that would close the outgoing direction when the incoming one ends.
    await new Promise<void>((resolve) => {
      channel.on("data", (data: Buffer) => {
        channel.pause();
        void take(data).then(() => channel.resume());
      });
      channel.once("end", resolve);
      this.#gone.addEventListener("abort", () => resolve());
      if (this.#gone.aborted) resolve();
    });
  }

  /** Sends the exit code, unless the sandbox stopped first and there is none. */
  end(exitCode: number | undefined): void {
    if (exitCode !== undefined) this.#channel.exit(exitCode);
    this.#channel.end();
    // A client that still sends would otherwise keep the channel open.
    this.#channel.resume();
  }
}

/**
 * The library keeps a chunk that waited for the client's window even after it was sent. When the other stream has to
 * wait it would send that chunk again and break the channel.
 */
function forgetSent(channel: ServerChannel): void {
  Object.assign(channel, { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined });
}

type KeyTools = Pick<typeof utils, "generateKeyPairSync" | "parseKey">;

const keyName = "ssh-host-key";
/** The library can't read one in two hundred of the keys that it makes. */
const maxKeys = 10;

/** A key that can't be read is replaced. */
export async function readHostKey(stateDirectory: string, tools: KeyTools): Promise<string> {
  const path = join(stateDirectory, keyName);
  const former = await readFile(path, "utf8").catch(() => "");
  if (isKey(former, tools)) return former;
  const key = makeKey(tools);
  await writeFile(`${path}.new`, key, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return key;
}

function makeKey(tools: KeyTools): string {
  for (let attempt = 0; attempt < maxKeys; attempt += 1) {
    const key = tools.generateKeyPairSync("ed25519").private;
    if (isKey(key, tools)) return key;
  }
  throw new Error("no key for SSH can be made here");
}

function isKey(text: string, { parseKey }: KeyTools): boolean {
  return !(parseKey(text) instanceof Error);
}
