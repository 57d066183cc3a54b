// Ports of the sandbox: listeners, Daytona's signed links, and the endpoint for our preview proxy.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { PortEndpoint, SignedLink } from "../../../agent/workspace.ts";
import type { DaytonaConnection } from "../client/connection.ts";
import { DaytonaFailure, readFailure } from "../client/failure.ts";
import type { DaytonaLimits } from "../client/limits.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { pause } from "../client/waiting.ts";
import { readBytes } from "../files/json-stream.ts";
import type { DaytonaLifecycle } from "../lifecycle/lifecycle.ts";
import { openingHeaders } from "./preview-proxy.ts";

/** The longest lifetime of a link that Daytona signs. */
export const MAX_LINK_SECONDS = 24 * 60 * 60;

/** Ports of the daemon, SSH, the terminal and recordings. */
export const OWN_PORTS: ReadonlySet<number> = new Set([2280, 22220, 22222, 33333]);

const POLL_MS = 200;
const ANSWER_BYTES = 4_096;

export interface PortPorts {
  lifecycle: DaytonaLifecycle;
  connection: DaytonaConnection;
  toolbox: Toolbox;
  limits: DaytonaLimits;
}

export class DaytonaPortLinks {
  readonly #ports: PortPorts;

  constructor(ports: PortPorts) {
    this.#ports = ports;
  }

  async expose(port: number, signal: AbortSignal): Promise<SignedLink> {
    await this.awaitListener(port, signal);
    return this.sign(port, MAX_LINK_SECONDS, signal);
  }

  /** Resolves when a program listens on the port. Rejects if none does for a while. */
  async awaitListener(port: number, signal: AbortSignal): Promise<void> {
    checkPort(port);
    const until = Date.now() + this.#ports.limits.port_ms;
    while (!(await this.#isListening(port, signal))) {
      if (Date.now() >= until) {
        throw new SandboxError(
          "failed",
          `Nothing listens on port ${port}. Start the server in the background first, and see in its output that it runs.`,
        );
      }
      await pause(POLL_MS, signal);
    }
  }

  async sign(port: number, seconds: number, signal: AbortSignal): Promise<SignedLink> {
    checkPort(port);
    const { connection } = this.#ports;
    const { url, token } = await connection.call((sandbox) => sandbox.getSignedPreviewUrl(port, seconds), signal);
    return { url, token, expires_at: new Date(Date.now() + seconds * 1000).toISOString() };
  }

  async expire(port: number, token: string, signal: AbortSignal): Promise<void> {
    const { lifecycle } = this.#ports;
    const sandbox = await lifecycle.find(lifecycle.name, signal);
    if (sandbox === null) return;
    try {
      await lifecycle.control(() => sandbox.expireSignedPreviewUrl(port, token), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError || readFailure(error).status !== 404) throw error;
    }
  }

  async findEndpoint(port: number, signal: AbortSignal): Promise<PortEndpoint | null> {
    checkPort(port);
    const { lifecycle } = this.#ports;
    const sandbox = await lifecycle.find(lifecycle.name, signal);
    if (sandbox?.state !== "started") return null;
    const { token } = await lifecycle.control(() => sandbox.getPreviewLink(port), signal);
    const address = `${sandbox.toolboxProxyUrl.replace(/(?<!\/)\/+$/, "")}/${sandbox.id}/proxy/${port}`;
    return { address, headers: openingHeaders(token) };
  }

  async #isListening(port: number, signal: AbortSignal): Promise<boolean> {
    const { connection, toolbox, limits } = this.#ports;
    const request = { signal, timeout_ms: limits.request_ms };
    try {
      const bytes = await connection.call(
        (sandbox) =>
          toolbox.ask(sandbox, { ...request, path: `/port/${port}/in-use` }, (response) =>
            readBytes(response, ANSWER_BYTES),
          ),
        signal,
      );
      const answer = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array())) as { isInUse?: boolean } | null;
      return answer?.isInUse === true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      // The real daemon answers this only for ports from 3000 to 9999. For other ports its own proxy is asked.
      if (readFailure(error).status !== 400) throw error;
    }
    return connection.call(async (sandbox) => {
      try {
        return await toolbox.ask(sandbox, { ...request, path: `/proxy/${port}/` }, async (response) => {
          await response.body?.cancel();
          return true;
        });
      } catch (error) {
        if (!(error instanceof DaytonaFailure) || error.status === null) throw error;
        // Any other status comes from the listening program.
        return error.status !== 502;
      }
    }, signal);
  }
}

export function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new SandboxError("invalid", `${port} is not a port.`);
  if (OWN_PORTS.has(port)) {
    throw new SandboxError("refused", `Port ${port} belongs to the sandbox itself. Serve on another port.`);
  }
}
