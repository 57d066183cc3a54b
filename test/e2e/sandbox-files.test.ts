// Files of a project's sandbox over HTTP: list, download, upload, delete and archive.
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { Daytona, type Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDaytonaWorkspace } from "../../src/sandboxes/daytona/workspace.ts";
import { eventually } from "./daytona-fixture.ts";
import { SANDBOX_KEY, startTaskloom, type Taskloom } from "./harness.ts";

const project = "files-project";
const files = `/v1/projects/${project}/sandbox/files`;
const untilEnd = () => new AbortController().signal;

interface Entry {
  path: string;
  name: string;
  size: number;
  is_dir: boolean;
}

let taskloom: Taskloom;
let sandbox: SdkSandbox;

beforeAll(async () => {
  taskloom = await startTaskloom();
  await taskloom.json("POST", "/v1/projects", { project_id: project, name: "Files" });
  // The sandbox does not exist yet: this creates it.
  expect(await list("")).toEqual([]);
  const client = new Daytona({ apiKey: SANDBOX_KEY, apiUrl: taskloom.daytona.apiUrl, useDeprecatedPolling: true });
  for await (const found of client.list()) sandbox = found;
});

afterAll(() => taskloom?.close());

const content = (path: string, more = "") => `${files}/content?path=${encodeURIComponent(path)}${more}`;

function send(method: string, path: string, body?: BodyInit): Promise<Response> {
  const headers = { authorization: `Bearer ${taskloom.key}` };
  return fetch(taskloom.url + path, { method, headers, body, duplex: "half" } as RequestInit);
}

const put = (path: string, body: BodyInit) => send("PUT", content(path), body);
const get = (path: string) => send("GET", content(path));

async function list(path: string, depth = 1): Promise<Entry[]> {
  const query = `path=${encodeURIComponent(path)}&depth=${depth}`;
  return (await taskloom.json<{ data: Entry[] }>("GET", `${files}?${query}`)).data;
}

async function codeOf(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  const { code } = (await response.json()) as { code: string };
  return `${response.status} ${code}`;
}

async function run(command: string): Promise<string> {
  return (await sandbox.process.executeCommand(command)).result;
}

describe("a file of the sandbox", () => {
  it("comes back byte for byte, under any name", async () => {
    const bytes = randomBytes(300_000);
    for (const name of [
      "a/b/data.bin",
      "商店/100% #1?&=+.txt",
      `q'"uo\\te;.txt`,
      "😀",
      "-rf",
      "$(id)`x`",
      "a:b",
      "%2e%2e",
    ]) {
      const made = await put(name, bytes);
      expect(made.status).toBe(201);
      const entry = { path: name, name: name.slice(name.lastIndexOf("/") + 1), size: bytes.length, is_dir: false };
      expect(await made.json()).toMatchObject(entry);
      expect(Buffer.compare(Buffer.from(await (await get(name)).arrayBuffer()), bytes)).toBe(0);
    }
    expect((await put("empty", "")).status).toBe(201);
    expect(await (await get("empty")).text()).toBe("");
  });

  it("is found by its own name, whatever a command called it", async () => {
    const names = ["a", "a\u2028b", "a\nb", "a\r", "a\n", "a ", " a", "d\n/a", "x:end\n"].map((name) => `odd/${name}`);
    const make = "import os; os.makedirs('odd/d\\n'); [open(name, 'w').write(name) for name in NAMES]";
    const more = "open(b'odd/\\xff', 'w'); os.symlink('a\\nb', 'odd/link')";
    await run(`python3 -c "${make.replace("NAMES", JSON.stringify(names).replaceAll('"', "'"))}; ${more}"`);
    expect(await Promise.all(names.map(async (name) => (await get(name)).text()))).toEqual(names);
    expect((await list("odd/d\n")).map(({ path }) => path)).toEqual(["odd/d\n/a"]);
    expect(await (await get("odd/link")).text()).toBe("odd/a\nb");
    expect((await list("odd")).map(({ name }) => name)).toContain("\uFFFD");
    expect((await put("odd/a\u2028b", "new")).status).toBe(200);
    const left = names.slice(1).map(async (name) => (await send("DELETE", content(name))).status);
    expect(new Set(await Promise.all(left))).toEqual(new Set([204]));
    expect((await list("odd")).map(({ name }) => name)).toEqual(["a", "d\n", "link", "\uFFFD"]);
    expect(await (await get("odd/a")).text()).toBe("odd/a");
  });

  it("is never shown by a browser as a page of ours", async () => {
    await put("page.html", "<script>alert(1)</script>");
    for (const method of ["GET", "HEAD"]) {
      const { status, headers } = await send(method, content("page.html"));
      expect({ status, ...Object.fromEntries(headers) }).toMatchObject({
        status: 200,
        "content-type": "application/octet-stream",
        "content-length": "25",
        "content-disposition": `attachment; filename="page.html"; filename*=UTF-8''page.html`,
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
      });
    }
  });

  it("comes in parts for a valid range, and as a whole for an unusual one", async () => {
    await put("ten", "0123456789");
    const ask = async (range: string, more = {}) => {
      const headers = { authorization: `Bearer ${taskloom.key}`, range, ...more };
      const response = await fetch(taskloom.url + content("ten"), { headers });
      return [response.status, response.headers.get("content-range"), await response.text()];
    };
    expect(await ask("bytes=2-4")).toEqual([206, "bytes 2-4/10", "234"]);
    expect(await ask("bytes=0-")).toEqual([206, "bytes 0-9/10", "0123456789"]);
    expect(await ask("bytes=7-")).toEqual([206, "bytes 7-9/10", "789"]);
    expect(await ask("bytes=-2")).toEqual([206, "bytes 8-9/10", "89"]);
    for (const range of ["bytes=10-", "bytes=-0"]) expect(await ask(range)).toEqual([416, "bytes */10", ""]);
    for (const range of ["bytes=4-2", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=a-b"])
      expect(await ask(range)).toEqual([200, null, "0123456789"]);
    expect(await ask("bytes=2-4", { "if-range": '"v1"' })).toEqual([200, null, "0123456789"]);
  });

  it("is replaced with its mode kept", async () => {
    await put("tool.sh", "#!/bin/sh\necho one\n");
    await run("chmod 755 tool.sh");
    expect((await put("tool.sh", "#!/bin/sh\necho two\n")).status).toBe(200);
    expect(await run("./tool.sh")).toBe("two\n");
  });

  it("is listed with its folders, to the requested depth", async () => {
    await put("tree/one/two/three.txt", "3");
    await put("tree/node_modules/x/y.js", "");
    expect((await list("tree")).map(({ path }) => path)).toEqual(["tree/node_modules", "tree/one"]);
    const below = await list("tree", 3);
    expect(below.map(({ path, is_dir }) => `${path}${is_dir ? "/" : ""}`)).toEqual([
      "tree/node_modules/",
      "tree/one/",
      "tree/one/two/",
      "tree/one/two/three.txt",
    ]);
    expect((await list("tree/node_modules/x")).map(({ name }) => name)).toEqual(["y.js"]);
  });

  it("is deleted, a folder only recursively, and the work dir never", async () => {
    await put("gone/file", "x");
    expect(await codeOf(send("DELETE", content("gone")))).toBe("400 invalid_field");
    expect((await send("DELETE", content("gone/file"))).status).toBe(204);
    expect(await codeOf(send("DELETE", content("gone/file")))).toBe("404 not_found");
    expect((await send("DELETE", content("gone", "&recursive=true"))).status).toBe(204);
    for (const path of [".", "tree/..", "/home/daytona"])
      expect(await codeOf(send("DELETE", content(path, "&recursive=true")))).toBe("403 forbidden");
    expect((await list("")).map(({ name }) => name)).not.toContain("gone");
  });
});

describe("a path", () => {
  it("that leads out of the work dir is refused, however it is written", async () => {
    await run("ln -s /etc out; ln -s /etc/passwd file-out; ln -s ../.. up; ln -s tree inside; ln -s /etc/new new-out");
    for (const path of ["../x", "a/../../x", "/etc/passwd", "~/../../etc/passwd", "nul\0", "n".repeat(256)]) {
      expect(await codeOf(get(path)), path).toBe("400 invalid_field");
      expect(await codeOf(put(path, "x")), path).toBe("400 invalid_field");
    }
    // Others may have created those; nobody means to delete them.
    for (const path of ["a\nb", " x"]) expect(await codeOf(put(path, "x")), path).toBe("400 invalid_field");
    for (const path of ["out/passwd", "file-out", "up/etc/passwd", "new-out"]) {
      expect(await codeOf(get(path)), path).toBe("403 forbidden");
      expect(await codeOf(put(path, "x")), path).toBe("403 forbidden");
    }
    expect(await codeOf(send("GET", `${files}?path=out`))).toBe("403 forbidden");
    expect(await codeOf(send("GET", `${files}/archive?path=up`))).toBe("403 forbidden");
    expect(await codeOf(send("DELETE", content("out/passwd")))).toBe("403 forbidden");
    expect(await codeOf(send("GET", `${files}/content?path=%2e%2e%2fx`))).toBe("400 invalid_field");
    expect(await codeOf(send("GET", `${files}/content?path=%252e%252e%252fx`))).toBe("404 not_found");
  });

  it("that is a link is treated as a link, and one within leads on", async () => {
    await put("inside/by-link.txt", "linked");
    expect(await (await get("tree/by-link.txt")).text()).toBe("linked");
    expect((await send("DELETE", content("out"))).status).toBe(204);
    expect(await run("test -f /etc/passwd && test ! -L out && echo kept")).toBe("kept\n");
  });

  it("that the sandbox's user may not use is refused, without a name that nobody chose", async () => {
    await run("mkdir -p closed/in && chmod 000 closed/in && chmod 555 closed");
    const refused = await put("closed/x", "x");
    expect(refused.status).toBe(403);
    expect(await refused.text()).not.toContain(".taskloom");
    for (const path of ["content?path=closed/in/x", "archive?path=closed"])
      expect(await codeOf(send("GET", `${files}/${path}`))).toBe("403 forbidden");
    await run("chmod -R 755 closed");
  });

  it("to a folder is no file, to a file no folder, and to a pipe neither", async () => {
    await run("mkfifo pipe");
    await put("plain", "x");
    expect(await codeOf(get("tree"))).toBe("400 invalid_field");
    expect(await codeOf(put("tree", "x"))).toBe("400 invalid_field");
    expect(await codeOf(put("tree/", "x"))).toBe("400 invalid_field");
    expect(await codeOf(put("plain/x", "x"))).toBe("400 invalid_field");
    expect(await codeOf(get("pipe"))).toBe("400 invalid_field");
    expect(await codeOf(put("pipe", "x"))).toBe("400 invalid_field");
    expect(await codeOf(send("GET", `${files}?path=plain`))).toBe("400 invalid_field");
    expect(await codeOf(send("GET", `${files}/archive?path=plain`))).toBe("400 invalid_field");
    expect(await codeOf(get("missing"))).toBe("404 not_found");
    expect(await codeOf(send("GET", `${files}?path=missing`))).toBe("404 not_found");
    expect(await codeOf(send("GET", `${files}/content`))).toBe("400 invalid_field");
    expect(await codeOf(send("GET", `${files}?depth=99`))).toBe("400 invalid_field");
  });
});

/** Writes the headers of a PUT and a part of its body, and leaves the rest to the caller. */
function beginUpload(path: string, head: string, body: string) {
  const { hostname, port } = new URL(taskloom.url);
  const socket = connect(Number(port), hostname, () => {
    socket.write(
      `PUT ${content(path)} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${taskloom.key}\r\n`,
    );
    socket.write(`${head}\r\n\r\n${body}`);
  });
  socket.on("error", () => {});
  return socket;
}

/** Ours, and the daemon's own. */
const remains = () => run("find . /tmp -name '.taskloom-*' -o -name '.upload-*'");

describe("an upload", () => {
  it("that is cut leaves the old file, and nothing beside it", async () => {
    await put("cut.txt", "old");
    for (const [head, body] of [
      ["Content-Length: 1000000", "x".repeat(200_000)],
      ["Transfer-Encoding: chunked", `30d40\r\n${"x".repeat(200_000)}\r\n`],
    ] as const) {
      const socket = beginUpload("cut.txt", head, body);
      await eventually(async () => (await remains()) !== "");
      socket.destroy();
      await eventually(async () => (await remains()) === "");
      expect(await (await get("cut.txt")).text()).toBe("old");
    }
  });

  it("whose sandbox is deleted meanwhile creates no other", async () => {
    const doomed = "/v1/projects/doomed/sandbox";
    await taskloom.json("POST", "/v1/projects", { project_id: "doomed", name: "Doomed" });
    await taskloom.json("POST", `${doomed}/start`);
    // It never ends. The server answers before, and a client that writes at that moment may see only its broken pipe.
    const body = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        controller.enqueue(Buffer.alloc(10_000));
      },
    });
    const upload = codeOf(send("PUT", `${doomed}/files/content?path=x`, body)).catch((error: Error) => error.message);
    // The upload has begun when its draft exists.
    const client = new Daytona({ apiKey: SANDBOX_KEY, apiUrl: taskloom.daytona.apiUrl, useDeprecatedPolling: true });
    const found: SdkSandbox[] = [];
    for await (const one of client.list({ labels: { project_id: "doomed" } })) found.push(one);
    const [box] = found;
    await eventually(async () => /upload/.test((await box?.process.executeCommand("ls -A"))?.result ?? ""));
    expect((await send("DELETE", doomed)).status).toBe(204);
    expect(["502 sandbox_failed", "fetch failed"]).toContain(await upload);
    expect(await taskloom.json("GET", doomed)).toMatchObject({ state: "none" });
  });

  it("in a form is refused, since the form would become the file", async () => {
    const form = new FormData();
    form.append("file", new Blob(["x"]), "x.txt");
    // In one piece: the answer comes before the body is read, and a client that still writes it may see a broken pipe first.
    const sent = await new Response(form).blob();
    expect(await codeOf(put("form.txt", sent))).toBe("400 invalid_field");
    expect((await get("form.txt")).status).toBe(404);
  });

  it("over 100 MiB is refused before any of it arrives", async () => {
    const socket = beginUpload("large", "Content-Length: 104857601", "");
    const answer = await new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))));
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1.1 413/);
    expect(await codeOf(get("large"))).toBe("404 not_found");
  });
});

describe("an archive", () => {
  it("is the folder as a tar.gz, and leaves nothing in the sandbox", async () => {
    await put("packed/商店/a.txt", "one");
    await put("packed/-b", "two");
    const response = await send("GET", `${files}/archive?path=packed`);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/gzip",
      "content-disposition": `attachment; filename="packed.tar.gz"; filename*=UTF-8''packed.tar.gz`,
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.length).toBe(Number(response.headers.get("content-length")));
    await put("packed.tar.gz", bytes);
    expect(await run("mkdir u && tar -xzf packed.tar.gz -C u && cat u/packed/-b u/packed/商店/a.txt")).toBe("twoone");
    expect(await remains()).toBe("");
  });
});

describe("a ticket for a download", () => {
  const ask = (body: unknown) => taskloom.request("POST", `${files}/ticket`, body);
  const askUrl = async (body: unknown) => ((await (await ask(body)).json()) as { url: string }).url;

  it("returns once, without a key, what the key returns", async () => {
    await put("packed/商店.txt", "once");
    for (const [kind, path] of [
      ["content", "packed/商店.txt"],
      ["archive", "packed"],
    ] as const) {
      const url = await askUrl({ path, kind });
      expect((await fetch(url, { method: "HEAD" })).status).toBe(422);
      const [one, other] = (await Promise.all([fetch(url), fetch(url)])).toSorted((a, b) => a.status - b.status);
      expect([one?.status, other?.status]).toEqual([200, 401]);
      const keyed = await send("GET", `${files}/${kind}?path=${encodeURIComponent(path)}`);
      const own = new Set(["date", "x-request-id", "content-length"]);
      const describe = (response?: Response) => [...(response?.headers ?? [])].filter(([name]) => !own.has(name));
      expect(describe(one)).toEqual(describe(keyed));
      expect((await one?.arrayBuffer())?.byteLength).toBe(Number(one?.headers.get("content-length")));
    }
  });

  it("opens no other route, nor anything outside of the work dir", async () => {
    const url = new URL(await askUrl({ path: "packed/商店.txt" }));
    const { url: terminal } = await taskloom.json<{ url: string }>("POST", files.replace(/files$/, "terminal"), {});
    const { searchParams } = new URL(terminal);
    expect((await fetch(`${url.origin}${url.pathname}?${searchParams}`)).status).toBe(401);
    const upgrade = {
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    };
    const socket = connect(Number(url.port), url.hostname);
    const head = Object.entries({ host: url.host, connection: "upgrade", ...upgrade });
    socket.write(
      `GET /v1/terminal${url.search} HTTP/1.1\r\n${head.map((line) => line.join(": ")).join("\r\n")}\r\n\r\n`,
    );
    const answer = await new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))));
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1.1 401/);
    expect(await codeOf(fetch(await askUrl({ path: "../../etc/passwd" })))).toBe("400 invalid_field");
    expect(await codeOf(fetch(await askUrl({ path: "nowhere" })))).toBe("404 not_found");
    for (const body of [{}, { path: "" }, { path: "x", kind: "list" }, { path: "x", more: 1 }])
      expect((await ask(body)).status).toBe(400);
  });
});

describe("a listing", () => {
  it("says where it was shortened", async () => {
    const workspace = createDaytonaWorkspace({
      api_key: SANDBOX_KEY,
      api_url: taskloom.daytona.apiUrl,
      target: null,
      snapshot: null,
      name: sandbox.name,
      labels: {},
      onState: () => {},
      limits: { entries: 2 },
    });
    await run("mkdir -p few many/deep && touch few/1 few/2 many/1 many/deep/2");
    const few = await workspace.listFiles("few", 5, untilEnd());
    expect({ paths: few.entries.map(({ path }) => path), is_cut: few.is_cut }).toEqual({
      paths: ["few/1", "few/2"],
      is_cut: false,
    });
    expect((await workspace.listFiles("many", 1, untilEnd())).is_cut).toBe(false);
    expect((await workspace.listFiles("many", 2, untilEnd())).is_cut).toBe(true);
    await run("touch few/3");
    expect((await workspace.listFiles("few", 1, untilEnd())).is_cut).toBe(true);
  });
});
