import { once } from "node:events";
import { text as readText } from "node:stream/consumers";
import { promisify } from "node:util";
import { Client, type ClientChannel } from "ssh2";
import { describe, expect, it } from "vitest";
import { daytona, makeName, sandbox, statusOf } from "./place.ts";

/**
 * In 0.190 only the SSH gateway may ask whether a token is valid
 * (apps/api/src/sandbox/controllers/sandbox.controller.ts): a user's key is refused, and nothing is known.
 */
async function expectValid(token: string, valid: boolean): Promise<void> {
  const said = await sandbox.validateSshAccess(token).catch((error: { statusCode?: number }) => error.statusCode);
  if (said !== 403) expect(said).toMatchObject({ valid, ...(valid ? { sandboxId: sandbox.id } : {}) });
}

/** Like a person who pastes the command: without a password. */
async function runBySsh(command: string, line: string): Promise<{ output: string; exitCode: number }> {
  const [, port = "22"] = / -p (\d+)/.exec(command) ?? [];
  const [, username = "", host = ""] = / ([^ @]+)@([^ ]+)/.exec(command) ?? [];
  const client = new Client();
  try {
    client.connect({ host, port: Number(port), username });
    await once(client, "ready");
    const channel = await promisify<string, ClientChannel>((text, done) => client.exec(text, done))(line);
    const ended = once(channel, "exit") as Promise<[number]>;
    const output = await readText(channel);
    const [exitCode] = await ended;
    return { output, exitCode };
  } finally {
    client.end();
  }
}

export function describeSshAccess(): void {
  describe("an SSH access", () => {
    it("is a token with an expiry, and the command that uses it", async () => {
      const access = await sandbox.createSshAccess(30);
      expect(access.sandboxId).toBe(sandbox.id);
      expect(access.token).toMatch(/^[A-Za-z0-9_-]{16,}$/);
      expect(access.sshCommand).toMatch(/^ssh .*/);
      expect(access.sshCommand).toContain(access.token);
      const minutes = (Date.parse(String(access.expiresAt)) - Date.now()) / 60_000;
      expect(minutes).toBeGreaterThan(25);
      expect(minutes).toBeLessThanOrEqual(31);
      await expectValid(access.token, true);
      await sandbox.revokeSshAccess(access.token);
      await expectValid(access.token, false);
    });

    it("leads into the sandbox until it is revoked", async () => {
      const { sshCommand, token } = await sandbox.createSshAccess(30);
      expect(await runBySsh(sshCommand, 'echo "$GREETING"; exit 3')).toEqual({ output: "hello\n", exitCode: 3 });
      await sandbox.revokeSshAccess(token);
      await expect(runBySsh(sshCommand, "true")).rejects.toThrow();
    });

    it("ends its sandbox's former one", async () => {
      const first = await sandbox.createSshAccess(30);
      const second = await sandbox.createSshAccess(30);
      expect(second.token).not.toBe(first.token);
      await expectValid(first.token, false);
      await expectValid(second.token, true);
      await sandbox.revokeSshAccess(second.token);
    });

    it("does not exist for an unknown token, nor for a sandbox that does not exist", async () => {
      await expectValid(makeName("nobody"), false);
      const gone = await daytona().get(sandbox.id);
      gone.id = makeName("nobody");
      expect(await statusOf(gone.createSshAccess())).toBe(404);
    });
  });
}
