// Addresses that users name, under `npm start`: public names that lead to this machine or into its network. They pass
// every check of the address itself, and are refused when the Worker connects.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HostileSite, startHostileSite } from "../fakes/hostile-site.ts";
import { type NamedHosts, nameHosts } from "../setup/named-hosts.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { makeState, type StartedServer, type StatePlace, startServer } from "../setup/started-server.ts";

import { startTaskloom, type Taskloom } from "./harness.ts";
import { makeVerified, startReceiver } from "./webhook-receiver.ts";

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

async function readPage(taskloom: ServerClient, thread: string, url: string): Promise<string> {
  const message = `[[tool fetch_url ${JSON.stringify({ url })}]]`;
  await taskloom.json("POST", `/v1/threads/${thread}/runs?wait=1`, { message });
  const path = `/v1/threads/${thread}/messages`;
  const { data } = await taskloom.json<{ data: { type: string; content: unknown }[] }>("GET", path);
  return JSON.stringify(data.find(({ type }) => type === "tool")?.content);
}

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

  const read = (thread: string, url: string) => readPage(taskloom, thread, url);

  it.each(Object.keys(loopback).filter((name) => name !== "wiki.example.com"))(
    "connects to nothing at %s",
    async (name) => {
      const found = await read(name.replaceAll(".", "-"), `http://${name}:${service.port}/page`);
      expect(found).not.toContain("the secret");
      expect(found).toContain("robots.txt could not be read");
      expect(service.visits).toEqual([]);
      // Else an address where nobody answers would pass.
      const log = () => readFile(join(place.state, "start/worker.log"), "utf8");
      await expect.poll(log).toContain(`connecting to ${name}:${service.port} is not allowed`);
    },
  );

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
    await taskloom.json("POST", `/v1/webhooks/${webhook_id}/ping`);
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

describe("the network for public addresses, where it may reach this machine", () => {
  let site: HostileSite;
  let hosts: NamedHosts;
  let taskloom: Taskloom;

  beforeAll(async () => {
    [site, hosts] = await Promise.all([startHostileSite(), nameHosts({ "site.example.com": ["127.0.0.1"] })]);
    const former = process.env.MINIFLARE_WORKERD_PATH;
    process.env.MINIFLARE_WORKERD_PATH = hosts.program;
    taskloom = await startTaskloom({ ENCRYPTION_KEY: "a key of the tests" }, undefined, (options) => {
      for (const { config } of options.workers) {
        const network = config.env?.PUBLIC_NETWORK;
        if (network?.type !== "network") throw new Error("there is no network for public addresses");
        Object.assign(network, { allow: ["private"], deny: [] });
      }
      return options;
    });
    if (former === undefined) delete process.env.MINIFLARE_WORKERD_PATH;
    else process.env.MINIFLARE_WORKERD_PATH = former;
  });
  afterAll(async () => {
    await taskloom?.close();
    await Promise.all([site?.close(), hosts?.close()]);
  });

  const at = (path: string) => `http://site.example.com:${new URL(site.url).port}${path}`;

  it.each([
    ["/page", "Some words."],
    ["/gzip-bomb", "longer than the 2.0 MB"],
    ["/endless", "longer than the 2.0 MB"],
    ["/declared-long", "longer than the 2.0 MB"],
    ["/not-gzip", "broke before the page was complete"],
    ["/short", "broke before the page was complete"],
    ["/cut", "broke before the page was complete"],
    ["/headers", "headers and was left"],
    ["/garbage", "can't be reached"],
    ["/private", "redirects to one that is an address of a private network"],
    ["/deflate", "Deflated words."],
    ["/moved", "Redirected to: "],
    ["/limited", "asks to wait for 30 s"],
  ])("brings %s as fetch does", async (path, words) => {
    expect(await readPage(taskloom, `site${path.replaceAll("/", "-")}`, at(path))).toContain(words);
  });

  it("ends its request when the run is cancelled", async () => {
    site.asked.splice(0);
    const message = `[[tool fetch_url ${JSON.stringify({ url: at("/drip") })}]]`;
    await taskloom.json("POST", "/v1/threads/cancelled/runs", { message, invocation_id: "inv_cancelled" });
    await expect.poll(() => site.asked.map(({ path }) => path)).toEqual(["/drip"]);
    await taskloom.json("POST", "/v1/threads/cancelled/runs/inv_cancelled/cancel", {});
    await expect.poll(() => site.open()).toBe(0);
  });

  it("takes deliveries to a webhook, and follows no redirect of its", async () => {
    const receiver = await startReceiver({
      "/moved": (response) => response.writeHead(307, { location: `${receiver.origin}/elsewhere` }).end(),
    });
    const { port } = new URL(receiver.origin);
    for (const path of ["/hook", "/moved"]) {
      const body = { url: `http://site.example.com:${port}${path}`, events: ["run.completed"] };
      await makeVerified(taskloom.json, body);
    }
    await taskloom.json("POST", "/v1/threads/hooked/runs?wait=1", { message: "go" });
    const { headers, payload } = await receiver.next(({ path }) => path === "/hook");
    expect(headers).toMatchObject({ host: `site.example.com:${port}`, "content-type": "application/json" });
    expect(payload.type).toBe("run.completed");
    await receiver.next(({ path }) => path === "/moved");
    expect(receiver.received.map(({ path }) => path).toSorted()).toEqual(["/hook", "/moved"]);
    await receiver.close();
  });
});
