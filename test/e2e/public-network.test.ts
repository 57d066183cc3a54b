// Addresses that users name, under `npm start`: public names that lead to this machine or into its network. They pass
// every check of the address itself, and are refused when the Worker connects.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type NamedHosts, nameHosts } from "../setup/named-hosts.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { makeState, type StartedServer, type StatePlace, startServer } from "../setup/started-server.ts";

interface Visit {
  host: string;
  path: string;
}

/** A service of this machine that no user may reach. `/to/…` redirects to the rest of its path. */
async function startPrivateService() {
  const visits: Visit[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    visits.push({ host: request.headers.host ?? "", path });
    const target = /^\/to\/(.*)$/.exec(path)?.[1];
    if (target !== undefined) response.writeHead(302, { location: decodeURIComponent(target) }).end();
    else response.writeHead(200, { "content-type": "text/plain" }).end(path === "/robots.txt" ? "" : "the secret");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    visits,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type PrivateService = Awaited<ReturnType<typeof startPrivateService>>;

const loopback = {
  "internal.example.com": ["127.0.0.1"],
  "mapped.example.com": ["::ffff:127.0.0.1"],
  "six.example.com": ["::1"],
  "metadata.example.com": ["169.254.169.254"],
  "lan.example.com": ["10.0.0.1"],
  "wiki.example.com": ["127.0.0.1"],
};

describe("npm start, where public names lead to this machine", () => {
  let service: PrivateService;
  let other: PrivateService;
  let hosts: NamedHosts;
  let place: StatePlace;
  let server: StartedServer;
  let taskloom: ServerClient;

  beforeAll(async () => {
    [service, other, hosts, place] = await Promise.all([
      startPrivateService(),
      startPrivateService(),
      nameHosts(loopback),
      makeState(),
    ]);
    server = await startServer(place.state, {
      MINIFLARE_WORKERD_PATH: hosts.program,
      WEB_PRIVATE_ORIGINS: `http://wiki.example.com:${service.port}`,
      FETCH_ROBOTS: "1",
    });
    taskloom = clientOf(server);
  });
  afterAll(async () => {
    await server?.stop();
    await Promise.all([service?.close(), other?.close(), hosts?.close(), place?.removeState()]);
  });
  beforeEach(() => {
    service.visits.splice(0);
    other.visits.splice(0);
  });

  async function read(thread: string, url: string): Promise<string> {
    const message = `[[tool fetch_url ${JSON.stringify({ url })}]]`;
    await taskloom.json("POST", `/v1/threads/${thread}/runs?wait=1`, { message });
    const path = `/v1/threads/${thread}/messages`;
    const { data } = await taskloom.json<{ data: { type: string; content: unknown }[] }>("GET", path);
    return JSON.stringify(data.find(({ type }) => type === "tool")?.content);
  }

  it.each(Object.keys(loopback).filter((name) => name !== "wiki.example.com"))("reads no page at %s", async (name) => {
    const found = await read(name.replaceAll(".", "-"), `http://${name}:${service.port}/page`);
    expect(found).not.toContain("the secret");
    expect(found).toContain("robots.txt could not be read");
    expect(service.visits).toEqual([]);
  });

  it("reads the origin that the operator named, and follows it to no other", async () => {
    const origin = `http://wiki.example.com:${service.port}`;
    expect(await read("named", `${origin}/page`)).toContain("the secret");
    const paths = () => service.visits.map(({ path }) => path);
    expect(paths()).toEqual(["/robots.txt", "/page"]);
    const elsewhere = [
      `http://wiki.example.com:${other.port}/page`,
      `https://wiki.example.com:${service.port}/page`,
      `http://internal.example.com:${service.port}/page`,
    ];
    for (const [index, target] of elsewhere.entries()) {
      service.visits.splice(0);
      const found = await read(`redirected-${index}`, `${origin}/to/${encodeURIComponent(target)}`);
      expect(found).not.toContain("the secret");
      expect(paths()).toEqual([`/to/${encodeURIComponent(target)}`]);
    }
    expect(other.visits).toEqual([]);
  });

  it("sends nothing to a webhook whose name leads here by the time of a delivery", async () => {
    const url = `http://rebound.example.com:${service.port}/hook`;
    const { webhook_id } = await taskloom.json<{ webhook_id: string }>("POST", "/v1/webhooks", {
      url,
      events: ["run.completed"],
    });
    await hosts.set({ ...loopback, "rebound.example.com": ["127.0.0.1"] });
    await taskloom.json("POST", "/v1/threads/hooked/runs?wait=1", { message: "go" });
    const readTry = async () => {
      const path = `/v1/webhooks/${webhook_id}/deliveries`;
      const { data } = await taskloom.json<{ data: { status: string; tries: object[] }[] }>("GET", path);
      return data[0]?.tries[0];
    };
    await expect.poll(readTry).toMatchObject({
      status: null,
      error: "Its name was not found or leads to a private network, or no secure connection to it was possible.",
    });
    expect(service.visits).toEqual([]);
  });

  it("still reads the sample pages of the stand-in search", async () => {
    await taskloom.json("POST", "/v1/threads/samples/runs?wait=1", {
      message: `[[tool web_search ${JSON.stringify({ query: "edge databases" })}]]`,
    });
    const path = "/v1/threads/samples/messages";
    const { data } = await taskloom.json<{ data: { type: string; content: unknown }[] }>("GET", path);
    const found = /http:\/\/127\.0\.0\.1:\d+\/[^\s"\\]+/.exec(JSON.stringify(data))?.[0] ?? "";
    expect(await read("sample", found)).toContain("Fetched: ");
  });
});
