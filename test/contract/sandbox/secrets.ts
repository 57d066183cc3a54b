/**
 * Secrets of an organization, as the SDK of 0.218 and Daytona's pages describe them. 0.190 does not have them; a Daytona
 * without them, or a key without the permission, is skipped. What their hosts get is not tested: that needs a host.
 */
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createSandbox, daytona, failureOf, makeName, place, statusOf } from "./place.ts";

const made: string[] = [];
const host = "api.example.com";

/** A name as Taskloom's. */
function newName(): string {
  return makeName("taskloom_contract").replaceAll("-", "_");
}

async function make(name: string, value = "contract-value"): Promise<{ id: string; placeholder: string }> {
  const secret = await daytona().secret.create({ name, value, hosts: [host] });
  made.push(secret.id);
  return secret;
}

export function describeMissingSecrets(): void {
  it("are unknown routes (api/src: no module of that name), and ignored in a creation", async () => {
    const error = await failureOf(daytona().secret.list());
    expect([error.statusCode, error.message]).toEqual([404, expect.stringMatching(/^Cannot GET \//)]);
    const sandbox = await createSandbox({ secrets: { KEY: "no-such-secret" } });
    expect((await sandbox.process.executeCommand("echo [$KEY]")).result).toBe("[]\n");
    expect(await statusOf(sandbox.updateSecrets({}))).toBe(404);
    await sandbox.delete();
  });
}

export function describeSecrets(): void {
  beforeEach(async ({ skip }) => {
    if (place.kind === "double") return;
    const lacks = await daytona()
      .secret.list({ limit: 1 })
      .then(() => null)
      .catch((error: unknown) => String(error));
    skip(lacks !== null, lacks ?? "");
  });
  afterAll(async () => {
    for (const id of made)
      await daytona()
        .secret.delete(id)
        .catch(() => undefined);
  });

  describe("a secret", () => {
    it("is made, found by a part of its name, changed and deleted, and no answer has its value", async () => {
      const name = newName();
      const { id, placeholder } = await make(name);
      const found = await daytona().secret.list({ name, limit: 1 });
      expect(found).toMatchObject({ items: [{ id, name, hosts: [host] }] });
      const changed = await daytona().secret.update(id, { value: "contract-changed", hosts: ["*.example.com"] });
      expect(changed).toMatchObject({ placeholder, hosts: ["*.example.com"] });
      expect(JSON.stringify([found, changed, await daytona().secret.get(id)])).not.toMatch(
        /contract-(?:value|changed)/,
      );
      await daytona().secret.delete(id);
      expect(await statusOf(daytona().secret.delete(id))).toBe(404);
    });

    it("has a name of its own: a second one is 409", async () => {
      const name = newName();
      await make(name);
      expect(await statusOf(daytona().secret.create({ name, value: "other", hosts: [host] }))).toBe(409);
    });

    it("is refused with a name that begins with a digit, with an empty value and with a port", async () => {
      const refused = [
        { name: "1_taskloom", value: "x" },
        { name: newName(), value: "" },
        { name: newName(), value: "x", hosts: ["api.example.com:443"] },
      ];
      for (const wanted of refused) expect(await statusOf(daytona().secret.create(wanted))).toBe(400);
    });

    it("is a placeholder in its sandbox, and can be taken away and added", async () => {
      const [one, two] = [newName(), newName()];
      const { placeholder } = await make(one);
      await make(two);
      const sandbox = await createSandbox({ secrets: { KEY: one } });
      const echo = async () => (await sandbox.process.executeCommand('echo "$KEY|$TOKEN"')).result.trim();
      expect(await echo()).toBe(`${placeholder}|`);
      await sandbox.updateSecrets({ TOKEN: two });
      expect(await echo()).toMatch(/^\|dtn_secret_/);
      expect(await statusOf(sandbox.updateSecrets({ KEY: newName() }))).toBeGreaterThanOrEqual(400);
      await sandbox.delete();
    });

    it("that does not exist is refused in a creation", async () => {
      const error = await failureOf(createSandbox({ secrets: { KEY: newName() } }));
      expect([400, 404, 422]).toContain(error.statusCode);
    });
  });
}
