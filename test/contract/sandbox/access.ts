/** Access for others: SSH tokens, and links to one file. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { text as readText } from "node:stream/consumers";
import { promisify } from "node:util";
import { Client, type ClientChannel } from "ssh2";
import { describe, expect, it } from "vitest";
import { daytona, eventually, makeFolder, makeName, sandbox, skipWithoutRoute, statusOf } from "./place.ts";

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

export function describeFileLinks(): void {
  describe("a link to one file", () => {
    async function isClosed(url: string, init?: RequestInit): Promise<boolean> {
      const response = await fetch(url, init);
      await response.body?.cancel();
      return response.status === 401 || response.status === 403;
    }

    it("downloads it without a key", async ({ skip }) => {
      await skipWithoutRoute(skip, "GET", `/sandbox/${sandbox.id}/signing-key`);
      const path = `${await makeFolder()}/a & b=c 店.bin`;
      const content = randomBytes(10_000);
      await sandbox.fs.uploadFile(content, path);
      const response = await fetch(await sandbox.downloadUrl(path, 60));
      expect(response.status).toBe(200);
      expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), content)).toBe(0);
    });

    it("uploads it without a key", async ({ skip }) => {
      await skipWithoutRoute(skip, "GET", `/sandbox/${sandbox.id}/signing-key`);
      const path = `${await makeFolder()}/deep/up 店.txt`;
      const form = new FormData();
      form.append("file", new Blob(["sent by a link"]), "ignored.txt");
      const response = await fetch(await sandbox.uploadUrl(path, 60), { method: "POST", body: form });
      expect(response.status).toBe(200);
      await response.body?.cancel();
      expect((await sandbox.fs.downloadFile(path)).toString()).toBe("sent by a link");
    });

    it("is for that file, direction and time only", async ({ skip }) => {
      await skipWithoutRoute(skip, "GET", `/sandbox/${sandbox.id}/signing-key`);
      const folder = await makeFolder();
      await sandbox.fs.uploadFile(Buffer.from("mine"), `${folder}/a`);
      await sandbox.fs.uploadFile(Buffer.from("not yours"), `${folder}/b`);
      const url = new URL(await sandbox.downloadUrl(`${folder}/a`, 60));
      const change = (name: string, value: string): string => {
        const changed = new URL(url);
        changed.searchParams.set(name, value);
        return changed.href;
      };
      expect(await isClosed(change("path", `${folder}/b`))).toBe(true);
      expect(await isClosed(change("expires", String(Math.floor(Date.now() / 1000) + 7_200)))).toBe(true);
      expect(await isClosed(change("expires", "0"))).toBe(true);
      expect(await isClosed(change("signature", "v1_AAAA"))).toBe(true);
      const upload = url.href.replace("/files/download?", "/files/upload-v2?");
      const form = new FormData();
      form.append("file", new Blob(["overwritten"]), "a");
      expect(await isClosed(upload, { method: "POST", body: form })).toBe(true);
      const elsewhere = url.href.replace("/files/download?", "/files/info?");
      expect(await isClosed(elsewhere)).toBe(true);
      expect((await sandbox.fs.downloadFile(`${folder}/a`)).toString()).toBe("mine");
    });

    it("expires", async ({ skip }) => {
      await skipWithoutRoute(skip, "GET", `/sandbox/${sandbox.id}/signing-key`);
      const path = `${await makeFolder()}/a`;
      await sandbox.fs.uploadFile(Buffer.from("mine"), path);
      // Less than a second: until the end of the second that has begun.
      const short = await sandbox.downloadUrl(path, 0.5);
      await eventually(() => isClosed(short));
      expect(await isClosed(await sandbox.downloadUrl(path, 60))).toBe(false);
    });

    it("ends with its key", async ({ skip }) => {
      await skipWithoutRoute(skip, "GET", `/sandbox/${sandbox.id}/signing-key`);
      const path = `${await makeFolder()}/a`;
      await sandbox.fs.uploadFile(Buffer.from("mine"), path);
      const former = await sandbox.downloadUrl(path, 60);
      await sandbox.rotateSigningKey();
      expect(await isClosed(former)).toBe(true);
      const fresh = await fetch(await sandbox.downloadUrl(path, 60));
      expect(await fresh.text()).toBe("mine");
    });
  });
}
