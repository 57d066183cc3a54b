// A link to a port of the sandbox for a browser.
import { SandboxError } from "../agent/sandbox.ts";
import type { DaytonaConnection } from "./daytona-connection.ts";
import { DaytonaFailure, readFailure } from "./daytona-failure.ts";
import type { DaytonaLimits } from "./daytona-limits.ts";
import type { Toolbox } from "./daytona-toolbox.ts";
import { readBytes } from "./json-stream.ts";
import { pause } from "./waiting.ts";

/** The longest that Daytona signs for. */
const LINK_SECONDS = 24 * 60 * 60;

/** The daemon, SSH, the terminal and recordings: whoever reaches them owns the sandbox. */
const OWN_PORTS = new Set([2280, 22220, 22222, 33333]);

const LOOK_MS = 200;
const ANSWER_BYTES = 4_096;

export interface PortPorts {
  connection: DaytonaConnection;
  toolbox: Toolbox;
  limits: DaytonaLimits;
}

export class DaytonaPortLinks {
  readonly #ports: PortPorts;

  constructor(ports: PortPorts) {
    this.#ports = ports;
  }

  async expose(port: number, signal: AbortSignal): Promise<{ url: string; expires_at: string }> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new SandboxError("invalid", `${port} is not a port.`);
    if (OWN_PORTS.has(port))
      throw new SandboxError("refused", `Port ${port} belongs to the sandbox itself. Serve on another port.`);
    const { connection, limits } = this.#ports;
    const until = Date.now() + limits.port_ms;
    while (!(await this.#isListening(port, signal))) {
      if (Date.now() >= until) {
        throw new SandboxError(
          "failed",
          `Nothing listens on port ${port}. Start the server in the background first, and see in its output that it runs.`,
        );
      }
      await pause(LOOK_MS, signal);
    }
    const link = await connection.call((sandbox) => sandbox.getSignedPreviewUrl(port, LINK_SECONDS), signal);
    return { url: link.url, expires_at: new Date(Date.now() + LINK_SECONDS * 1000).toISOString() };
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
      // The real daemon answers this for ports from 3000 to 9999 only. Its own proxy to the port knows the others.
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
        // Any other status is the server's own.
        return error.status !== 502;
      }
    }, signal);
  }
}
