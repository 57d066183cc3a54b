/** The three places: the double of this repository, a real Daytona, and a toolbox alone. */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Daytona } from "@daytonaio/sdk";
import type { Mode } from "../../../dev/daytona/rules.ts";
import { startFixture, visit as visitLocally } from "../../e2e/daytona-fixture.ts";
import { type Answer, isBelowLocalhost, ownEnd, type Place } from "./place.ts";

const label = "taskloom-contract";

export async function openDouble(mode: Mode): Promise<Place> {
  const apiKey = "dtn_key-of-the-contract";
  const { server, dispose } = await startFixture({ apiKey, mode });
  const connect = (key: string): Daytona =>
    new Daytona({ apiKey: key, apiUrl: server.apiUrl, target: "local", useDeprecatedPolling: true });
  const client = connect(apiKey);
  const labels = { [label]: "double" };
  return {
    kind: "double",
    mode,
    client,
    stranger: connect("dtn_nobody"),
    apiUrl: server.apiUrl,
    apiKey,
    labels,
    snapshots: [],
    sandbox: await client.create({ labels: { ...labels }, envVars: { GREETING: "hello" } }),
    visit,
    close: dispose,
  };
}

/** Whatever happens, `close` finds everything with this run's label or name, and deletes it. */
export async function openDaytona(apiKey: string, apiUrl: string): Promise<Place> {
  const connect = (key: string): Daytona => new Daytona({ apiKey: key, apiUrl, useDeprecatedPolling: true });
  const client = connect(apiKey);
  const labels = { [label]: randomUUID() };
  const snapshots: string[] = [];
  const close = async (): Promise<void> => {
    for await (const left of client.list({ labels })) await left.delete().catch(() => {});
    for (const left of snapshots) await client.snapshot.delete(left).catch(() => {});
  };
  try {
    const sandbox = await client.create(
      { labels: { ...labels }, ...ownEnd, envVars: { GREETING: "hello" } },
      { timeout: 120 },
    );
    const stranger = connect("dtn_nobody");
    return { kind: "daytona", client, stranger, apiUrl, apiKey, labels, snapshots, sandbox, visit, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A self-hosted Daytona may serve its previews below `localhost` too. */
async function visit(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  const skipsWarning = { "x-daytona-skip-preview-warning": "true", ...headers };
  if (isBelowLocalhost(url)) return visitLocally(url, { headers: skipsWarning });
  const response = await fetch(url, { headers: skipsWarning, redirect: "manual" });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

/**
 * The SDK finds a toolbox only through a control plane, so this is the least that it needs: one that answers every
 * request with a sandbox whose toolbox is the address. The SDK joins the toolbox's address and the sandbox's id by a
 * slash; where the address has no path, the id `.` does nothing.
 */
export async function openToolbox(address: string): Promise<Place> {
  const url = new URL(address);
  const [, above = "", last = ""] = /^(.*)\/([^/]+)\/?$/.exec(url.pathname) ?? [];
  const described = {
    id: last === "" ? "." : decodeURIComponent(last),
    name: "toolbox",
    state: "started",
    labels: { "code-toolbox-language": "python" },
    toolboxProxyUrl: url.origin + above,
  };
  const plane = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(described));
  });
  await new Promise<void>((resolve) => plane.listen(0, "127.0.0.1", resolve));
  const apiKey = process.env.DAYTONA_API_KEY ?? "none";
  const apiUrl = `http://127.0.0.1:${(plane.address() as AddressInfo).port}`;
  const sandbox = await new Daytona({ apiKey, apiUrl, useDeprecatedPolling: true }).get("toolbox");
  return {
    kind: "toolbox",
    apiKey,
    labels: {},
    snapshots: [],
    sandbox,
    visit,
    close: async () => {
      plane.closeAllConnections();
      await new Promise((resolve) => plane.close(resolve));
    },
  };
}
