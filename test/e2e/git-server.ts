/**
 * A git host on loopback for one test file: bare repositories behind smart HTTP, served by git's own CGI program, with
 * an optional password, a record of each request and its Authorization, and faults on demand.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readText } from "node:stream/consumers";

export type Files = Record<string, string>;

export interface RepositoryOptions {
  /** The files of the first commit on `main`; none makes an empty repository. */
  files?: Files;
  /** Further branches, each with one commit on top of `main`. */
  branches?: Record<string, Files>;
  /** Who may read and write; without it, anybody. */
  credentials?: { username: string; password: string };
  /** A hook's message for every push, which it refuses. */
  refusal?: string;
}

export interface Repository {
  /** Ends in `.git`; without user and password. */
  url: string;
  /** The bare repository on disk. */
  folder: string;
  /** Adds a commit to a branch, as another person's push would. Returns its hash. */
  commit(branch: string, files: Files, message?: string): Promise<string>;
  /** A file's content on a branch; throws where there is none. */
  read(branch: string, path: string): Promise<string>;
  /** Runs `git` in the bare repository. */
  git(...args: string[]): Promise<string>;
}

export interface GitRequest {
  method: string;
  /** With its query. */
  path: string;
  authorization: string | undefined;
}

export interface GitServer {
  /** `http://127.0.0.1:PORT` */
  origin: string;
  /** All requests, in order. */
  requests: GitRequest[];
  /** Receives each request first; true means that it has answered. It is awaited, so it can also delay a request. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>) | undefined;
  /** `name` may contain folders; `.git` is added where it is missing. */
  addRepository(name: string, options?: RepositoryOptions): Promise<Repository>;
  /** Redirects (302) paths that begin with this one to the same rest under another address or path. */
  redirect(from: string, to: string): void;
  close(): Promise<void>;
}

/** Independent of the machine's own git: no configuration, no password helper, no prompt. */
const environment = {
  PATH: process.env.PATH,
  LANG: "C.UTF-8",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
};

export async function startGitServer(): Promise<GitServer> {
  const root = await mkdtemp(join(tmpdir(), "taskloom-git-"));
  const redirects = new Map<string, string>();
  const guards = new Map<string, string>();
  const programs = new Set<ChildProcess>();
  const server = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gitServer: GitServer = {
    origin,
    requests: [],
    intercept: undefined,
    redirect: (from, to) => redirects.set(from, to),
    addRepository: async (name, options = {}) => {
      const path = `/${name.replace(/\.git$/, "")}.git`;
      const { credentials } = options;
      if (credentials) guards.set(path, spellBasic(credentials.username, credentials.password));
      return makeRepository(origin + path, join(root, path), options);
    },
    close: async () => {
      for (const program of programs) program.kill("SIGKILL");
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(root, { recursive: true, force: true });
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    const { authorization } = request.headers;
    gitServer.requests.push({ method: request.method ?? "", path, authorization });
    if (await gitServer.intercept?.(request, response)) return;
    const redirect = [...redirects].find(([from]) => path.startsWith(from));
    const guard = [...guards].find(([guarded]) => path.startsWith(`${guarded}/`));
    if (redirect) {
      const [from, to] = redirect;
      response.writeHead(302, { location: to + path.slice(from.length) }).end();
    } else if (guard && authorization !== guard[1]) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end("who are you?");
    } else {
      await runBackend(request, response, root, programs);
    }
  }
  return gitServer;
}

export function spellBasic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

async function runGit(folder: string, args: string[], input = ""): Promise<string> {
  const program = spawn("git", args, { cwd: folder, env: environment, stdio: ["pipe", "pipe", "pipe"] });
  program.stdin.on("error", () => {});
  program.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    program.once("error", reject);
    program.once("close", resolve);
  });
  const [output, complaint, code] = await Promise.all([readText(program.stdout), readText(program.stderr), ended]);
  if (code !== 0) throw new Error(`git ${args.join(" ")}: ${complaint}`);
  return output;
}

async function makeRepository(url: string, folder: string, options: RepositoryOptions): Promise<Repository> {
  await mkdir(folder, { recursive: true });
  const git = (...args: string[]): Promise<string> => runGit(folder, args);
  await git("init", "--quiet", "--bare", "--initial-branch=main");
  await git("config", "http.receivepack", "true");
  if (options.refusal !== undefined) {
    await writeFile(join(folder, "hooks/pre-receive"), `#!/bin/sh\necho '${options.refusal}' >&2\nexit 1\n`, {
      mode: 0o755,
    });
  }
  const commit: Repository["commit"] = async (branch, files, message = "a change") => {
    const base = (await git("for-each-ref", "--format=%(refname:short)")).split("\n");
    const parent = base.includes(branch) ? branch : base.includes("main") ? "main" : undefined;
    await runGit(folder, ["fast-import", "--quiet"], spellCommit(branch, parent, files, message));
    return (await git("rev-parse", `refs/heads/${branch}`)).trim();
  };
  if (options.files) await commit("main", options.files, "first");
  for (const [branch, files] of Object.entries(options.branches ?? {})) await commit(branch, files, `on ${branch}`);
  return { url, folder, commit, git, read: (branch, path) => git("show", `${branch}:${path}`) };
}

/** In the language of `git fast-import`: a commit without a work tree. */
function spellCommit(branch: string, parent: string | undefined, files: Files, message: string): string {
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
  return [
    `commit refs/heads/${branch}\ncommitter Ann Other <ann@example.com> 1700000000 +0000\n${data(message)}`,
    parent === undefined ? "" : `from refs/heads/${parent}^0\n`,
    ...Object.entries(files).map(([path, content]) => `M 100644 inline ${path}\n${data(content)}`),
  ].join("");
}

/** One request through `git http-backend`, which speaks CGI: variables in, headers and body out. */
async function runBackend(
  request: IncomingMessage,
  response: ServerResponse,
  root: string,
  programs: Set<ChildProcess>,
): Promise<void> {
  const [path = "/", query = ""] = (request.url ?? "/").split("?");
  const { headers } = request;
  const backend = spawn("git", ["http-backend"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {
      ...environment,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(path),
      QUERY_STRING: query,
      REMOTE_ADDR: "127.0.0.1",
      CONTENT_TYPE: headers["content-type"] ?? "",
      ...(headers["content-length"] === undefined ? {} : { CONTENT_LENGTH: headers["content-length"] }),
      ...(headers["content-encoding"] === undefined ? {} : { HTTP_CONTENT_ENCODING: headers["content-encoding"] }),
      ...(headers["git-protocol"] === undefined ? {} : { GIT_PROTOCOL: String(headers["git-protocol"]) }),
    },
  });
  programs.add(backend);
  backend.once("close", () => programs.delete(backend));
  backend.once("error", () => response.destroy());
  backend.stdin.on("error", () => {});
  request.pipe(backend.stdin);
  let head = Buffer.alloc(0);
  for await (const chunk of backend.stdout) {
    if (response.headersSent) {
      response.write(chunk);
      continue;
    }
    head = Buffer.concat([head, chunk as Buffer]);
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) continue;
    writeHead(response, head.subarray(0, end).toString("latin1"));
    response.write(head.subarray(end + 4));
  }
  response.end();
}

function writeHead(response: ServerResponse, head: string): void {
  const fields = head.split("\r\n").map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const status = fields.find(([name]) => name.toLowerCase() === "status")?.[1] ?? "200";
  const others = fields.filter(([name]) => name.toLowerCase() !== "status");
  response.writeHead(Number.parseInt(status, 10), Object.fromEntries(others));
}
