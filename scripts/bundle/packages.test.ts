// Daytona's SDK and OpenAI's client as the bundle has them, beside the whole ones: an update of a package may use more of
// what the bundle replaces than the names that its build would miss.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readAliases } from "../../bench/guard/aliases.ts";

// biome-ignore lint/suspicious/noExplicitAny: both are asked alike
type Anything = any;

const root = join(import.meta.dirname, "../..");

/** A second on an idle machine; a busy one has its time. */
const BUNDLING_MS = 60_000;

let folder: string;
let server: Server;
let url: string;
/** The whole packages, and those of the bundle. */
let both: [whole: Anything, ours: Anything];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let received: unknown[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-packages-"));
  const aliases = readAliases(await readFile(join(root, "wrangler.toml"), "utf8"));
  both = [await bundle("whole", new Map()), await bundle("ours", new Map(aliases))];
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text) => {
      body += text;
    });
    request.on("end", () => {
      const { host: _, connection: __, ...headers } = request.headers;
      received.push({ method: request.method, url: request.url, headers, body });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, BUNDLING_MS);
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** As wrangler does it, with the same esbuild. */
async function bundle(name: string, aliases: Map<string, string>): Promise<Anything> {
  const require = createRequire(import.meta.url);
  const wrangler = createRequire(require.resolve("wrangler"));
  const outfile = join(folder, `${name}.cjs`);
  await wrangler("esbuild").build({
    stdin: {
      contents: 'export { Daytona, Image } from "@daytonaio/sdk";\nexport { default as OpenAI } from "openai";',
      resolveDir: root,
    },
    ...{ outfile, bundle: true, format: "cjs", logLevel: "silent", external: ["node:*"] },
    ...{ conditions: ["workerd", "worker", "browser"], mainFields: ["browser", "module", "main"] },
    plugins: [
      {
        name: "alias",
        setup: (build: Anything) =>
          build.onResolve({ filter: /./ }, ({ path }: { path: string }) => {
            const replacement = aliases.get(path);
            return replacement === undefined ? undefined : { path: join(root, replacement) };
          }),
      },
    ],
  });
  return require(outfile);
}

/** What each got, and what the server received of each. */
async function compare(call: (packages: Anything) => Promise<unknown>): Promise<[whole: unknown, ours: unknown]> {
  const results: unknown[] = [];
  for (const packages of both) {
    received = [];
    const got = await call(packages).then(
      (value) => ({ value: value === undefined ? undefined : JSON.parse(JSON.stringify(value)) }),
      ({ name, message, status, statusCode, code, source, headers, cause }: Anything) => ({
        ...{ name, message, status, statusCode, code, source, cause: cause?.message },
        wait: headers === undefined ? null : Object.entries(headers).filter(([name]) => name.startsWith("retry")),
      }),
    );
    results.push({ got, sent: received });
  }
  return results as [unknown, unknown];
}

const refuse =
  (status: number, body: string, headers: Record<string, string> = {}): typeof answer =>
  (_, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
  };

const refusals: [string, typeof answer][] = [
  ["not there", refuse(404, JSON.stringify({ message: "none", code: "FILE_NOT_FOUND", source: "DAYTONA_DAEMON" }))],
  ["too often", refuse(429, "{}", { "Retry-After": "1", "Retry-After-sandbox-create": "9" })],
  ["a page of a proxy", refuse(502, "<html>", { "content-type": "text/html" })],
  ["an empty refusal", refuse(500, "")],
  ["a cut connection", ({ socket }) => void socket.destroy()],
];

describe("the bundle's Daytona SDK", () => {
  const parameters = { name: "n", labels: { a: "é" }, envVars: { K: "1" }, autoStopInterval: 30 };
  const timed = { timeout: 5 };
  const calls: Record<string, (sandbox: Anything, client: Anything, packages: Anything) => Promise<unknown>> = {
    get: async (_, client) => (await client.get("né/../?a=1")).id,
    create: async (_, client) => (await client.create({ ...parameters, networkBlockAll: true }, timed)).id,
    "create of an image": async (_, client) => (await client.create({ ...parameters, image: "debian" }, timed)).id,
    "create of a dockerfile": async (_, client, { Image }) => {
      const image = Object.create(Image.base("scratch"), { dockerfile: { value: "FROM debian\nRUN é" } });
      return (await client.create({ ...parameters, image, resources: { cpu: 2 } }, timed)).id;
    },
    activate: async (_, client) => client.snapshot.activate(await client.snapshot.get("a/b")),
    archive: (sandbox) => sandbox.archive(),
    createSshAccess: (sandbox) => sandbox.createSshAccess(60),
    delete: (sandbox) => sandbox.delete(5),
    expireSignedPreviewUrl: (sandbox) => sandbox.expireSignedPreviewUrl(3000, "t/k"),
    getBuildLogsUrl: (sandbox) => sandbox.sandboxApi.getBuildLogsUrl(sandbox.id).then(({ data }: Anything) => data),
    getPreviewLink: (sandbox) => sandbox.getPreviewLink(3000),
    getSignedPreviewUrl: (sandbox) => sandbox.getSignedPreviewUrl(3000, 60),
    getUserHomeDir: (sandbox) => sandbox.getUserHomeDir(),
    getWorkDir: (sandbox) => sandbox.getWorkDir(),
    recover: (sandbox) => sandbox.recover(5),
    refreshActivity: (sandbox) => sandbox.refreshActivity(),
    refreshData: (sandbox) => sandbox.refreshData().then(() => sandbox.labels),
    resize: (sandbox) => sandbox.resize({ cpu: 2 }, 5),
    revokeSshAccess: (sandbox) => sandbox.revokeSshAccess(),
    setAutoArchiveInterval: (sandbox) => sandbox.setAutoArchiveInterval(10),
    setAutostopInterval: (sandbox) => sandbox.setAutostopInterval(10),
    setLabels: (sandbox) => sandbox.setLabels({ a: "b" }),
    setTtl: (sandbox) => sandbox.setTtl(60),
    start: (sandbox) => sandbox.start(5),
    stop: (sandbox) => sandbox.stop(5),
    updateNetworkSettings: (sandbox) => sandbox.updateNetworkSettings({ networkBlockAll: false, domainAllowList: "a" }),
    createFolder: ({ fs }) => fs.createFolder("/a b/é&=+%", "755").then(() => {}),
    deleteFile: ({ fs }) => fs.deleteFile("/é", true).then(() => {}),
    getFileDetails: ({ fs }) => fs.getFileDetails("/é +"),
    moveFiles: ({ fs }) => fs.moveFiles("/a", "/b").then(() => {}),
    createSession: ({ process }) => process.createSession("s/1"),
    deleteSession: ({ process }) => process.deleteSession("s/1"),
    executeCommand: ({ process }) => process.executeCommand("echo é", undefined, undefined, 10),
    executeSessionCommand: ({ process }) => process.executeSessionCommand("s", { command: "a\né", runAsync: true }),
    getPtySessionInfo: ({ process }) => process.getPtySessionInfo("p"),
    getSession: ({ process }) => process.getSession("s"),
    getSessionCommand: ({ process }) => process.getSessionCommand("s", "c"),
    killPtySession: ({ process }) => process.killPtySession("p"),
    listSessions: ({ process }) => process.listSessions(),
    resizePtySession: ({ process }) => process.resizePtySession("p", 80, 24),
    sendSessionCommandInput: ({ process }) => process.sendSessionCommandInput("s", "c", "é\n"),
  };

  const sandboxOf = (state: string) => ({
    ...{ id: "s é", name: "n", state, labels: {}, env: {}, toolboxProxyUrl: `${url}/toolbox` },
    ...{ token: "t", dir: "/home", cmdId: "c", result: "é", exitCode: 0, url: "http://x" },
  });
  const usual: typeof answer = ({ url: path = "", method }, response) => {
    const isStopped = received.some(
      (each: Anything) => each.method === "POST" && each.url.endsWith("/stop?force=false"),
    );
    const state = isStopped && method === "GET" ? "stopped" : "started";
    const said = path.endsWith("/session") ? [{ sessionId: "s", commands: [] }] : sandboxOf(state);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(said));
  };

  const ask = (name: string, answers: typeof answer) =>
    compare(async (packages) => {
      const settings = { apiKey: "key", apiUrl: `${url}/api`, target: "us", requestTimeoutMs: 5_000 };
      const client = new packages.Daytona({ ...settings, useDeprecatedPolling: true });
      answer = usual;
      const sandbox = await client.get("s");
      answer = answers;
      received = [];
      return calls[name]?.(sandbox, client, packages);
    });

  it("is asked here for all that src asks it for", async () => {
    const src = join(root, "src/sandboxes/daytona");
    // A script is text that runs in the sandbox, and its `process` is Node's.
    const names = (await readdir(src, { recursive: true })).filter((name) => /(?<!\.test|-script)\.ts$/.test(name));
    const texts = await Promise.all(names.map((name) => readFile(join(src, name), "utf8")));
    const found = texts.flatMap((text) => [
      ...text.matchAll(/\b(?:sandbox|process|fs|client\.snapshot|sandboxApi)\.(?!then\b|exit\b)([a-z]\w+)\(/g),
    ]);
    const asked = new Set(found.map(([, name = ""]) => name));
    expect(asked).toContain("createFolder");
    expect([...asked].filter((name) => !(name in calls))).toEqual([]);
  });

  it.each(Object.keys(calls))("sends and returns what the whole one does: %s", async (name) => {
    const [whole, ours] = await ask(name, usual);
    expect(ours).toEqual(whole);
    expect((whole as Anything).got).toHaveProperty("value");
    expect((whole as Anything).sent).not.toEqual([]);
  });

  it("reads the same of what is not given from the environment", async () => {
    answer = usual;
    vi.stubEnv("DAYTONA_TARGET", "eu");
    const settings = { apiKey: "key", apiUrl: `${url}/api`, useDeprecatedPolling: true };
    const [whole, ours] = await compare(({ Daytona }) => new Daytona(settings).create({ name: "n" }, timed));
    vi.unstubAllEnvs();
    expect((ours as Anything).sent).toEqual((whole as Anything).sent);
    expect((whole as Anything).sent[0].body).toContain('"target":"eu"');
  });

  it.each(refusals)("fails as the whole one does: %s", async (_, answers) => {
    for (const name of Object.keys(calls)) {
      const [whole, ours] = await ask(name, answers);
      expect({ name, ours }).toEqual({ name, ours: whole });
      if (name !== "stop") expect(whole).toMatchObject({ got: { message: expect.any(String) } });
    }
  });
});

describe("the bundle's OpenAI client", () => {
  const body = { model: "m", messages: [{ role: "user", content: "é" }], stream: true };
  const options = { headers: { "X-Own": "1", Authorization: null }, signal: new AbortController().signal };
  const connect = ({ OpenAI }: Anything) =>
    new OpenAI({ apiKey: "key", baseURL: `${url}/v1`, defaultQuery: { a: "é" }, maxRetries: 0, logLevel: "off" });

  it.each([
    ["a reply", refuse(200, "data: [DONE]\n\n", { "content-type": "text/event-stream" })] as const,
    ...refusals,
  ])("sends and returns what the whole one's resources do: %s", async (_, answers) => {
    answer = answers;
    for (const [path, create] of [
      ["/chat/completions", (client: Anything) => client.chat.completions.create(body, options)],
      ["/responses", (client: Anything) => client.responses.create(body, options)],
    ] as const) {
      const [whole, ours] = await compare(async (packages) => {
        const client = connect(packages);
        const asked = packages === both[0] ? create(client) : client.post(path, { ...options, body, stream: true });
        const response = await asked.asResponse();
        return { status: response.status, text: await response.text() };
      });
      expect(ours).toEqual(whole);
      expect(whole).toMatchObject({ sent: [{ method: "POST", url: `/v1${path}?a=%C3%A9` }] });
    }
  });

  it("writes the query of an address as the whole one does", async () => {
    const ascii = String.fromCharCode(...Array.from({ length: 128 }, (_, code) => code));
    const defaultQuery = { [ascii]: `${ascii} é 你 😀`, "": "", empty: "", none: undefined, "a[b]": "c.d" };
    for (const path of ["/v1", "/v1?x=1&x=2&y=%20'", "/v1?none=1&empty=2"]) {
      for (const query of [{}, defaultQuery]) {
        const options = { apiKey: "key", baseURL: `${url}${path}`, defaultQuery: query };
        const [whole, ours] = both.map(({ OpenAI }) => new OpenAI(options).buildURL("/responses?a=b c", null));
        expect(ours).toBe(whole);
      }
    }
  });

  it.each([
    ["credential", {}],
    ["dataResidency", "eu"],
    ["workloadIdentity", {}],
  ])("refuses what it lacks: %s", (name, value) => {
    expect(() => new both[1].OpenAI({ apiKey: "key", baseURL: url, [name]: value })).toThrow(
      /signs in with a key alone/,
    );
  });
});
