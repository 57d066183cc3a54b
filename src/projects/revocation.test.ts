import { describe, expect, it } from "vitest";
import { openD1 } from "../../test/fakes/sqlite-d1.ts";
import { SandboxError } from "../agent/sandbox.ts";
import { describeMissing, type SandboxProvider } from "../sandboxes/index.ts";
import { REVOKED_AT } from "../store/keys/maker.ts";
import { endRevokedAccess } from "./revocation.ts";
import { sandboxName } from "./sandbox.ts";

/** Links and SSH accesses of twelve projects, all revoked; the sandbox of `broken` refuses everything. */
async function scene(broken: string) {
  const d1 = openD1();
  const now = new Date().toISOString();
  const names = Array.from({ length: 12 }, (_, place) => `p${place}`);
  for (const name of names) {
    d1.read("INSERT INTO previews VALUES ('u', ?, 1, ?, 'http://x', ?, ?, 'k')", name, `t_${name}`, now, REVOKED_AT);
    d1.read("INSERT INTO ssh_accesses VALUES ('u', ?, ?, ?, 'k')", name, now, REVOKED_AT);
  }
  d1.read("INSERT INTO previews VALUES ('u', 'kept', 1, 't', 'http://x', ?, '2999', 'k')", now);
  const asked: string[] = [];
  const brokenName = await sandboxName("u", broken);
  const provider = {
    openWorkspace: ({ name }: { name: string }) => {
      const ask = async (what: string): Promise<void> => {
        if (name === brokenName) throw new SandboxError("failed", "It is broken.");
        asked.push(what);
      };
      return { expireLink: (_port: number, token: string) => ask(token), closeSsh: () => ask("ssh") };
    },
  } as unknown as SandboxProvider;
  const left = () =>
    ["previews", "ssh_accesses"].map((table) =>
      d1.read<{ project_id: string }>(`SELECT project_id FROM ${table}`).map(({ project_id }) => project_id),
    );
  const end = (own: Partial<Parameters<typeof endRevokedAccess>[0]> = {}) => {
    const scope = { config: { preview_domain: null }, provider, database: d1.binding, user_id: "u", ...own };
    return endRevokedAccess(scope, AbortSignal.timeout(10_000));
  };
  return { asked, left, end };
}

describe("what was revoked", () => {
  it("is ended at the provider, and only that", async () => {
    const { asked, left, end } = await scene("none");
    await end();
    expect(asked).toHaveLength(24);
    expect(left()).toEqual([["kept"], []]);
    await end();
    expect(asked).toHaveLength(24);
  });

  it("is ended in all other sandboxes if one is broken, and stays for it", async () => {
    const { asked, left, end } = await scene("p0");
    await expect(end()).rejects.toThrow("It is broken.");
    expect(asked).toHaveLength(22);
    expect(left()).toEqual([["kept", "p0"], ["p0"]]);
  });

  it("waits while the server has no provider", async () => {
    const { left, end } = await scene("none");
    await expect(end({ provider: null })).rejects.toThrow(describeMissing());
    expect(left().map((rows) => rows.length)).toEqual([13, 12]);
  });
});
