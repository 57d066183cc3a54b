/**
 * One SSH connection into a sandbox: shells on terminals, commands on plain streams, and connections to its ports.
 */
import type { Connection, PseudoTtyInfo, ServerChannel, Session } from "ssh2";
import { type Container, readReply } from "./container.ts";
import { frameKind, parseJson, writeFrame, writeJson } from "./keeper/frames.ts";
import type { Life } from "./life.ts";
import { maxSide, PtyProcess } from "./pty-process.ts";
import { SshChannel } from "./ssh-channel.ts";

/** Each uses a connection to the keeper. An editor that forwards ports opens some dozens. */
const maxChannels = 128;
/** Host names by which a port-forwarding client may address the sandbox: nothing else is in its network. */
const ownHosts = ["localhost", "127.0.0.1", "::1", "sandbox"];
const termName = /^[\w.+-]{1,64}$/;
const failureExitCode = 255;

/** Where common systems install the sftp server. */
const fileCommand = `for folder in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec
do test -x $folder/sftp-server && exec $folder/sftp-server; done; echo "this sandbox has no sftp-server" >&2; exit 127`;

export function serveConnection(client: Connection, life: Life): void {
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
export function turnAway(client: Connection, reason: string): void {
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
