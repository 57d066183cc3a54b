import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import axios, { AxiosError, CanceledError } from "axios";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import lean, * as ours from "./axios.ts";

// biome-ignore lint/suspicious/noExplicitAny: both are asked with what either takes
type Anything = any;

let server: Server;
let url: string;
const received: unknown[] = [];
/** A request to /never has no answer; this resolves once it has come. */
let arrived = Promise.withResolvers<void>();

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text) => {
      body += text;
    });
    request.on("end", () => {
      const { host: _, connection: __, ...headers } = request.headers;
      received.push({ method: request.method, url: request.url, headers, body });
      const path = request.url ?? "";
      if (path === "/never") return arrived.resolve();
      if (path === "/cut") return void request.socket.destroy();
      const status = Number(path.slice(1)) || 200;
      const says = path.includes("text") ? "no { JSON" : status === 204 ? "" : JSON.stringify({ status, é: [null] });
      response.writeHead(status, { "content-type": "application/json", "Retry-After-Sandbox": "3" });
      response.end(status === 204 ? undefined : says);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const adapter = axios.getAdapter("fetch");
const fetchOptions = { cache: "no-store" } as const;

const both: [name: string, create: (settings: object) => Anything][] = [
  ["axios", (settings) => axios.create({ adapter, fetchOptions, ...settings } as object)],
  ["ours", (settings) => lean.create({ adapter: lean.getAdapter(lean.defaults.adapter), fetchOptions, ...settings })],
];

/** What the SDK reads of an answer or of an error. */
async function ask(client: Anything, config: object): Promise<unknown> {
  try {
    const { data, status, statusText, headers } = await client.request(config);
    return { data, status, statusText, headers: readHeaders(headers) };
  } catch (error) {
    const { name, message, code, response, isAxiosError, request, config: given, status, cause } = error as Anything;
    return {
      ...{ name, message, code, isAxiosError, status, hasRequest: Boolean(request), timeout: given?.timeout || null },
      cause: cause?.code ?? cause?.name ?? null,
      response: response && { data: response.data, status: response.status, headers: readHeaders(response.headers) },
      isError: error instanceof AxiosError || error instanceof ours.AxiosError,
      isCanceled: error instanceof CanceledError || error instanceof ours.CanceledError,
    };
  }
}

function readHeaders(headers: object): unknown {
  const { date: _, ...rest } = Object.fromEntries(Object.entries(headers));
  return rest;
}

/** Returns what each got, and what the server received of each. */
async function compare(config: object, settings: object = {}): Promise<{ got: unknown[]; sent: unknown[] }> {
  const got: unknown[] = [];
  const sent: unknown[] = [];
  for (const [, create] of both) {
    received.length = 0;
    got.push(await ask(create(settings), config));
    sent.push([...received]);
  }
  return { got, sent };
}

const headers = { Authorization: "Bearer key", "User-Agent": "sdk", "X-None": undefined };
const json = { ...headers, "Content-Type": "application/json" };

describe("the bundle's axios", () => {
  it.each([
    ["JSON", "/200", { method: "GET", headers }],
    ["nothing", "/204", { method: "DELETE", headers }],
    ["a text where JSON was expected", "/text", { method: "GET", headers }],
    ["JSON for a body", "/201", { method: "POST", headers: json, data: '{"name":"é"}' }],
    ["JSON for a body that is put", "/200", { method: "PUT", headers: json, data: "{}" }],
    ["JSON for no body", "/200", { method: "POST", headers }],
    ["a text by request", "/200", { method: "GET", headers, responseType: "text" }],
    ["a refusal", "/404", { method: "GET", headers }],
    ["a refusal of a body", "/409", { method: "POST", headers: json, data: "{}" }],
    ["too many requests", "/429", { method: "PATCH", headers: json, data: "{}" }],
    ["a failure", "/502", { method: "GET", headers }],
  ])("sends and reads what axios does: %s", async (_, path, config) => {
    const { got, sent } = await compare({ url: `${url}${path}`, ...config });
    expect(got[1]).toEqual(got[0]);
    expect(sent[1]).toEqual(sent[0]);
    expect(sent[0]).toHaveLength(1);
  });

  it("fails as axios does where nobody listens, and where a connection is cut", async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
    const nobody = `http://127.0.0.1:${(free.address() as AddressInfo).port}/`;
    await new Promise((resolve) => free.close(resolve));
    for (const address of [nobody, `${url}/cut`, "no address"]) {
      const { got } = await compare({ url: address, method: "GET", headers });
      expect(got[1]).toEqual(got[0]);
      expect(got[0]).toMatchObject({ isAxiosError: true });
    }
  });

  it("gives up as axios does when its time is over", async () => {
    const { got } = await compare({ url: `${url}/never`, method: "GET", headers }, { timeout: 50 });
    expect(got[1]).toEqual({ ...(got[0] as object), cause: null });
    expect(got[1]).toMatchObject({ code: "ETIMEDOUT", message: "timeout of 50ms exceeded" });
  });

  it("is cancelled as axios is, before and during a request", async () => {
    const { got } = await compare({ url: `${url}/200`, method: "GET", headers, signal: AbortSignal.abort() });
    expect(got[1]).toEqual(got[0]);
    for (const [, create] of both) {
      arrived = Promise.withResolvers();
      const stop = new AbortController();
      const asked = ask(create({}), { url: `${url}/never`, method: "GET", headers, signal: stop.signal });
      await arrived.promise;
      stop.abort();
      expect(await asked).toMatchObject({ code: "ERR_CANCELED", isCanceled: true });
    }
  });

  it.each([
    ["/200", "/deep"],
    ["200", "/deep/"],
    ["", "/deep"],
    ["URL/200", "/deep"],
  ])("asks where axios does for %j, below an address that is set later", async (path, base) => {
    const sent: unknown[] = [];
    for (const [, create] of both) {
      received.length = 0;
      const client = create({ timeout: 60_000 });
      client.defaults.baseURL = `${url}${base}`;
      await client.request({ url: path.replace("URL", url), method: "GET", headers });
      sent.push([...received]);
    }
    expect(sent[1]).toEqual(sent[0]);
  });

  it("calls interceptors in the order of axios", async () => {
    const orders = await Promise.all(
      both.map(async ([, create]) => {
        const client = create({});
        const order: string[] = [];
        client.interceptors.request.use((config: object) => {
          order.push("request");
          return { ...config, metadata: 1 };
        });
        client.interceptors.response.use(
          (answer: unknown) => {
            order.push("first answer");
            return answer;
          },
          () => {
            order.push("first error");
            throw new Error("other");
          },
        );
        client.interceptors.response.use(undefined, (error: Error) => {
          order.push(`second error: ${error.message}`);
          throw error;
        });
        const { config } = await client.request({ url: `${url}/200`, method: "GET", headers });
        await client.request({ url: `${url}/500`, method: "GET", headers }).catch(() => {});
        return [...order, config.metadata];
      }),
    );
    expect(orders[1]).toEqual(orders[0]);
  });
});
