// What serves a Worker's address, without wrangler: a version on the database that the account has.
import { expect, it } from "vitest";
import { type Account, type Binding, makeAccount, type Version } from "./account.ts";
import { startEdge } from "./edge.ts";
import { startCloudflare } from "./server.ts";

const code = `export default {
  async fetch(request, { DB }) {
    const { results } = await DB.prepare(decodeURIComponent(new URL(request.url).search.slice(1))).all();
    return Response.json(results);
  },
};`;

function makeVersion(number: number, database_id: string): Version {
  const bindings: Binding[] = [{ name: "DB", type: "d1", id: database_id }];
  return {
    ...{ id: `version-${number}`, number, created_on: "", main_module: "a.js", bindings, assets: null, limits: {} },
    ...{ modules: new Map([["a.js", { type: "application/javascript+module", content: Buffer.from(code) }]]) },
    ...{ compatibility_date: "2026-11-01", compatibility_flags: [], migration_tag: null },
  };
}

function deploy(account: Account, number: number): void {
  const version = makeVersion(number, account.databases[0]?.uuid ?? "");
  const deployment = {
    ...{ id: `${number}`, created_on: "", annotations: {} },
    versions: [{ version_id: version.id, percentage: 100 }],
  };
  const script = account.scripts.get("w");
  account.scripts.set("w", {
    ...{ name: "w", tag: "w", migration_tag: null, classes: new Map(), schedules: [], routes: [], domains: [] },
    ...{ subdomain: { enabled: true, previews_enabled: false }, settings: {} },
    versions: [version, ...(script?.versions ?? [])],
    deployments: [deployment, ...(script?.deployments ?? [])],
  });
}

it("a Worker has the tables of all migrations, also of those that come later, and keeps its rows", async () => {
  const cloudflare = await startCloudflare({ port: 0, token: "token", accounts: [makeAccount()] });
  const { account } = cloudflare;
  const edge = await startEdge(account, "w");
  const ask = async (path: string, body: object): Promise<void> => {
    const headers = { authorization: "Bearer token", "content-type": "application/json" };
    const url = `${cloudflare.url}/accounts/${account.id}${path}`;
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
  };
  const migrate = (sql: string) => ask(`/d1/database/${account.databases[0]?.uuid}/query`, { sql });
  const query = async (sql: string) => (await fetch(`${edge.url}/?${encodeURIComponent(sql)}`)).json();
  try {
    await ask("/d1/database", { name: "a" });
    await migrate("CREATE TABLE done (name TEXT); CREATE TABLE t (x); INSERT INTO done VALUES ('0001');");
    deploy(account, 1);
    expect(await query("SELECT name FROM done")).toEqual([{ name: "0001" }]);
    await query("INSERT INTO t VALUES (7)");
    await migrate("CREATE TABLE u (y); ALTER TABLE t ADD COLUMN z; INSERT INTO done VALUES ('0002');");
    // Before the version that needs them, as a deploy does, and for the next one.
    expect(await query("SELECT x, z FROM t")).toEqual([{ x: 7, z: null }]);
    deploy(account, 2);
    expect(await query("SELECT max(name) AS name FROM done")).toEqual([{ name: "0002" }]);
    expect(await query("SELECT x, z FROM t")).toEqual([{ x: 7, z: null }]);
    expect(await query("SELECT count(*) AS n FROM u")).toEqual([{ n: 0 }]);
  } finally {
    await edge.close();
    await cloudflare.close();
  }
});
