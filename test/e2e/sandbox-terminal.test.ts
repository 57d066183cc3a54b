// A terminal of a project's sandbox, through a WebSocket client like a browser's. Uses the whole of `npm start`,
// because the harness makes the Worker's requests for it and can't make a WebSocket.
import { once } from "node:events";
import { text as readText } from "node:stream/consumers";
import { promisify } from "node:util";
import { Client, type ClientChannel } from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type StartedTaskloom, startBeside } from "./started-taskloom.ts";

const project = "terminal-project";
const path = `/v1/projects/${project}/sandbox/terminal`;

let taskloom: StartedTaskloom;

beforeAll(async () => {
  // No model is called here.
  taskloom = await startBeside("http://127.0.0.1:9", { CORS_ORIGINS: "https://app.example" });
  await taskloom.json("POST", "/v1/projects", { project_id: project, name: "Terminal" });
});

afterAll(() => taskloom?.close());

interface Ticket {
  url: string;
  expires_at: string;
}

const askTicket = (body: unknown = {}) => taskloom.json<Ticket>("POST", path, body);

/** One client: what it received, and ways to wait for it. */
class Person {
  readonly socket: WebSocket;
  output = "";
  readonly messages: Record<string, unknown>[] = [];
  close: { code: number; status: number } | null = null;
  #wake: () => void = () => undefined;

  constructor(url: string, origin?: string) {
    this.socket = new WebSocket(url, origin === undefined ? {} : { origin });
    let status = 101;
    this.socket.on("message", (data, isBinary) => {
      if (isBinary) this.output += String(data);
      else this.messages.push(JSON.parse(String(data)) as Record<string, unknown>);
      this.#wake();
    });
    this.socket.on("unexpected-response", (_request, response) => {
      status = response.statusCode ?? 0;
      this.socket.terminate();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", (code) => {
      this.close = { code, status };
      this.#wake();
    });
  }

  async until<Value>(look: () => Value | undefined | false | null): Promise<Value> {
    for (;;) {
      const value = look();
      if (value) return value;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  ready(): Promise<Record<string, unknown>> {
    return this.until(() => {
      if (this.close) throw new Error(`no terminal: ${JSON.stringify([this.close, ...this.messages])}`);
      return this.messages.find(({ type }) => type === "ready");
    });
  }

  type(text: string): void {
    this.socket.send(Buffer.from(text));
  }

  /** A command's output between two marks, which the echo of the typed line does not contain in this form. */
  async run(command: string): Promise<string> {
    const mark = `m${Math.random().toString(36).slice(2)}`;
    this.type(`echo ${mark}''a; ${command}; echo ${mark}''b\r`);
    const [, said] = await this.until(() => new RegExp(`${mark}a\\r\\n([\\s\\S]*?)${mark}b`).exec(this.output));
    return (said ?? "").replaceAll("\r\n", "\n");
  }

  ended(): Promise<{ code: number; status: number }> {
    return this.until(() => this.close);
  }
}

async function openTerminal(body: unknown = {}): Promise<Person> {
  const person = new Person((await askTicket(body)).url);
  await person.ready();
  return person;
}

describe("a terminal", () => {
  it("is a shell of the sandbox with the requested size, and another when it changes", async () => {
    const person = await openTerminal({ session: "size", cols: 101, rows: 31 });
    expect(await person.run("stty size")).toBe("31 101\n");
    expect(await person.run("printf '%s\\n' 商店; pwd")).toBe("商店\n/home/daytona\n");
    person.socket.send(JSON.stringify({ type: "resize", cols: 77, rows: 11 }));
    while ((await person.run("stty size")) !== "11 77\n");
    person.socket.close();
  });

  it("has the project's secrets of its start", async () => {
    const secret = `/v1/projects/${project}/secrets/TERMINAL_TOKEN`;
    await taskloom.json("PUT", secret, { value: "it's a\nvalue" });
    const person = await openTerminal({ session: "secrets" });
    expect(await person.run('printf "[%s]\\n" "$TERMINAL_TOKEN"')).toBe("[it's a\nvalue]\n");
    person.socket.close();
    await taskloom.request("DELETE", secret);
    const later = await openTerminal({ session: "later" });
    expect(await later.run('printf "[%s]\\n" "$TERMINAL_TOKEN"')).toBe("[]\n");
    later.socket.close();
  });

  it("is the same shell after a drop, and a new one after its end", async () => {
    const first = await openTerminal({ session: "same" });
    expect(first.messages).toEqual([{ type: "ready", session: "same", resumed: false }]);
    await first.run("kept=yes");
    first.socket.terminate();
    const second = await openTerminal({ session: "same", cols: 60, rows: 20 });
    expect(second.messages).toEqual([{ type: "ready", session: "same", resumed: true }]);
    expect(await second.run('echo "$kept"; stty size')).toBe("yes\n20 60\n");
    second.type("exit 3\r");
    expect(await second.ended()).toEqual({ code: 1000, status: 101 });
    expect(second.messages.at(-1)).toEqual({ type: "exit", exit_code: 3 });
    const third = await openTerminal({ session: "same" });
    expect(third.messages).toEqual([{ type: "ready", session: "same", resumed: false }]);
    expect(await third.run('echo "[$kept]"')).toBe("[]\n");
    third.socket.close();
  });

  it("keeps accepting input while output floods it", async () => {
    const person = await openTerminal({ session: "flood" });
    person.type("yes\r");
    await person.until(() => person.output.length > 200_000);
    person.type("\x03");
    expect(await person.run("echo still here")).toBe("still here\n");
    person.socket.close();
  });

  it("reports that its sandbox was stopped, and starts it for the next", async () => {
    const person = await openTerminal({ session: "stopped" });
    await taskloom.json("POST", `/v1/projects/${project}/sandbox/stop`);
    expect((await person.ended()).code).toBe(1011);
    expect(person.messages.at(-1)).toMatchObject({ type: "error", message: expect.stringContaining("lost") });
    const next = await openTerminal({ session: "stopped" });
    expect(next.messages[0]).toMatchObject({ resumed: false });
    next.socket.close();
  });

  it("has neither key in its environment", async () => {
    const person = await openTerminal({ session: "environment" });
    const variables = await person.run("env");
    expect(variables).toContain("HOME=");
    expect(variables).not.toContain(taskloom.key);
    expect(variables).not.toMatch(/KEY|TOKEN/);
    person.socket.close();
  });

  it("is closed for a text frame that is not one of its own", async () => {
    const person = await openTerminal({ session: "size" });
    person.socket.send("ls\r");
    expect((await person.ended()).code).toBe(1003);
  });
});

describe("a ticket", () => {
  it("admits one of two that bring it at once, and nobody after", async () => {
    const { url, expires_at } = await askTicket({ session: "once" });
    expect(Date.parse(expires_at)).toBeGreaterThan(Date.now());
    const people = [new Person(url), new Person(url)];
    const outcomes = await Promise.all(
      people.map((person) => person.until(() => person.close?.status ?? (person.messages.length > 0 && 101))),
    );
    expect(outcomes.toSorted()).toEqual([101, 401]);
    expect((await new Person(url).ended()).status).toBe(401);
    for (const { socket } of people) socket.close();
  });

  it("admits no pages of other origins, and does admit our own and those of the settings", async () => {
    const { url } = await askTicket({ session: "origin" });
    expect((await new Person(url, "https://evil.example").ended()).status).toBe(403);
    for (const origin of ["https://app.example", taskloom.url]) {
      const person = new Person((await askTicket({ session: "origin" })).url, origin);
      await person.ready();
      person.socket.close();
    }
  });

  it("is refused for a project that is not the caller's, and for a wrong size", async () => {
    expect((await taskloom.request("POST", "/v1/projects/other/sandbox/terminal", {})).status).toBe(404);
    for (const body of [{ cols: 0 }, { rows: 1001 }, { session: "a/b" }, { more: 1 }])
      expect((await taskloom.request("POST", path, body)).status).toBe(400);
    expect((await fetch(`${taskloom.url}/v1/terminal?ticket=x`)).status).toBe(422);
  });
});

/** What a line reports over SSH, where the link leads that opens VS Code. */
async function runBySsh(link: string, line: string): Promise<string> {
  const [, username = "", host = "", port = "22"] = /ssh-remote\+([^@]+)@([^:/]+)(?::(\d+))?\//.exec(link) ?? [];
  const client = new Client();
  try {
    client.connect({ host, port: Number(port), username });
    await once(client, "ready");
    const channel = await promisify<string, ClientChannel>((text, done) => client.exec(text, done))(line);
    return await readText(channel);
  } finally {
    client.end();
  }
}

describe("SSH access", () => {
  interface Access {
    command: string;
    vscode_url: string;
    expires_at: string;
  }
  const ssh = `/v1/projects/${project}/sandbox/ssh`;

  it("leads into the work dir until it is revoked, or another is opened", async () => {
    const first = await taskloom.json<Access>("POST", ssh, { expires_in_minutes: 5 });
    const minutes = (Date.parse(first.expires_at) - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(3);
    expect(minutes).toBeLessThan(6);
    expect(first.command).toMatch(/^ssh /);
    expect(first.vscode_url).toMatch(/^vscode:\/\/vscode-remote\/ssh-remote\+.*\/home\/daytona$/);
    expect(await runBySsh(first.vscode_url, "pwd")).toBe("/home/daytona\n");
    const second = await taskloom.json<Access>("POST", ssh, {});
    await expect(runBySsh(first.vscode_url, "pwd")).rejects.toThrow();
    expect(await runBySsh(second.vscode_url, "pwd")).toBe("/home/daytona\n");
    expect((await taskloom.request("DELETE", ssh)).status).toBe(204);
    await expect(runBySsh(second.vscode_url, "pwd")).rejects.toThrow();
    expect((await taskloom.request("DELETE", ssh)).status).toBe(204);
  });

  it("is refused for no time, for days, and for a project that is not the caller's", async () => {
    for (const expires_in_minutes of [0, 1441, 1.5])
      expect((await taskloom.request("POST", ssh, { expires_in_minutes })).status).toBe(400);
    for (const method of ["POST", "DELETE"])
      expect((await taskloom.request(method, "/v1/projects/other/sandbox/ssh")).status).toBe(404);
  });
});
