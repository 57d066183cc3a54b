/**
 * Secrets of a sandbox, through our adapter: values in the environment of commands where Daytona keeps none (0.190), and
 * placeholders where it does.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandState } from "../../src/agent/sandbox.ts";
import type { DaytonaSettings } from "../../src/sandboxes/daytona/client/client.ts";
import { createDaytonaSandbox, type DaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { DaytonaVault } from "../../src/sandboxes/daytona/secrets/vault.ts";
import type { GivenSecret } from "../../src/sandboxes/provider.ts";
import { untilEnd } from "./daytona-adapter.ts";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";

let count = 0;

/** A sandbox whose secrets a test changes. */
function open(
  fixture: Fixture,
  name: string,
  given: () => GivenSecret[],
  states: string[] = [],
  git?: DaytonaSettings["git"],
) {
  const sandbox = createDaytonaSandbox({
    ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name },
    labels: { purpose: "secrets" },
    onState: (_state, message) => states.push(message),
    secrets: { read: async () => given() },
    ...(git ? { git } : {}),
  });
  let live = "";
  const run = async (command: string, wait_ms = 30_000): Promise<CommandState & { live: string; id: string }> => {
    live = "";
    const id = `call_${++count}`;
    const state = await sandbox.runCommand(
      { command_id: id, command, wait_ms },
      (_stream, text) => {
        live += text;
      },
      untilEnd(),
    );
    return { ...state, live, id };
  };
  return { sandbox, run, readLive: () => live };
}

const env = (name: string, value: string): GivenSecret => ({ name, value, hosts: [], kept_as: null });
const sha = (name: string) => `printf %s "$${name}" | sha256sum | cut -c 1-64`;

async function hash(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return `${Buffer.from(bytes).toString("hex")}\n`;
}

describe("on a Daytona without secrets", () => {
  let fixture: Fixture;
  let given: GivenSecret[] = [];
  let run: ReturnType<typeof open>["run"];
  let sandbox: DaytonaSandbox;
  let readLive: () => string;

  beforeAll(async () => {
    fixture = await startFixture({ apiKey });
    ({ sandbox, run, readLive } = open(fixture, "secrets", () => given));
  });
  afterAll(() => fixture.dispose());

  it.each([
    ["quotes and dollars", `it's "$HOME" \`id\` $(id) \\ \\n %s`],
    ["lines", "-----BEGIN KEY-----\nMIIBVgIBADANBgkq\n\n-----END KEY-----\n"],
    ["other scripts", "密码-🔑-пароль"],
    ["64 KiB", "x'\n".repeat(21_845)],
  ])("a command gets a value with %s unchanged", async (_, value) => {
    given = [env("PROBE", value), env("shell", "sh"), env("base", "b"), env("given", "g")];
    const { exit_code, output } = await run(`${sha("PROBE")}; echo "$shell $base $given"`);
    expect({ exit_code, output }).toEqual({ exit_code: 0, output: `${await hash(value)}sh b g\n` });
  });

  it("100 values of 512 KiB together reach a command", async () => {
    given = Array.from({ length: 100 }, (_, at) => env(`MANY_${at}`, `${at}-`.padEnd(5_240, "y")));
    const { output } = await run(`env | grep -c '^MANY_'; ${sha("MANY_99")}`);
    expect(output).toBe(`100\n${await hash("99-".padEnd(5_240, "y"))}`);
  });

  it("a changed value, a new one and a deleted one count for the next command, and files stay", async () => {
    given = [env("ONE", "first value"), env("TWO", "second value")];
    await run("echo kept > file.txt");
    given = [env("ONE", "changed value"), env("THREE", "third value")];
    const { output } = await run(`${sha("ONE")}; echo "[$TWO]"; ${sha("THREE")}; cat file.txt`);
    expect(output).toBe(`${await hash("changed value")}[]\n${await hash("third value")}kept\n`);
  });

  it("no file with a value stays, neither in memory nor in what the daemon keeps", async () => {
    given = [env("CANARY", "canary-5d1e-value")];
    await run("true");
    given = [];
    const { output } = await run(
      "ls -a /dev/shm /tmp /var/tmp | grep taskloom-env; grep -rl 'canary-5d1e-[v]alue' /dev/shm /tmp /var/tmp ~ 2>/dev/null; true",
    );
    expect(output).toBe("");
    const record = await fixture.client.get("secrets");
    expect(JSON.stringify(record)).not.toContain("canary-5d1e");
  });

  it("values are masked in what is reported of a clone, and in what a look of a check could not do", async () => {
    const value = "canary-8c2f-value";
    const states: string[] = [];
    const git = { access: { findLogin: async () => null }, source: { url: `http://127.0.0.1:9/${value}/x` } };
    const { sandbox: cloning } = open(fixture, "secrets", () => [env("CANARY", value)], states, git);
    await expect(cloning.checks?.readGit(value, untilEnd())).rejects.toThrow("*** is no folder.");
    expect(states).toContainEqual("Cloning http://127.0.0.1:9/***/x into x …");
    expect(states.join("\n")).toContain("could not be cloned");
    expect(states.join("\n")).not.toContain(value);
  });

  it("values are masked in the result, live, when the command is read again and when it is ended", async () => {
    given = [env("TOKEN", "token-4711-abcdef"), env("SHORT", "1234567")];
    const untilShown = "until [ -e shown ]; do sleep 0.1; done";
    const printing = run(`echo a $TOKEN b $SHORT; echo $TOKEN >&2; printf 'a%s' $TOKEN; ${untilShown}; echo`);
    await expect.poll(readLive).toContain("\n");
    await sandbox.writeFile("shown", new Uint8Array(), untilEnd());
    const printed = await printing;
    for (const text of [printed.output, printed.live]) {
      expect(text).not.toContain("4711");
      expect(text).toContain("a *** b 1234567");
    }
    const slow = await run("printf '%s' token-4711; sleep 1; echo -abcdef; sleep 60", 2_500);
    expect(slow.exit_code).toBeNull();
    expect(slow.output + slow.live).not.toContain("4711");
    given = [];
    await expect.poll(async () => (await sandbox.readCommand(slow.id, untilEnd())).output).toBe("***\n");
    await sandbox.terminateCommand(slow.id, untilEnd());
    expect((await sandbox.readCommand(slow.id, untilEnd())).output).toBe("***\n");
  });

  it("what files say is masked for the model, also in a life that has started no command, and people get it whole", async () => {
    given = [env("FILED", "filed-2342-value")];
    await run('echo "KEY=$FILED" > .env; printf "%s" "$FILED" | base64 > encoded');
    const { sandbox: next } = open(fixture, "secrets", () => given);
    const read = async (path: string) => new TextDecoder().decode(await next.readFile(path, untilEnd()));
    expect(await read(".env")).toBe("KEY=filed-2342-value\n");
    expect(await next.hideSecrets?.(await read(".env"), untilEnd())).toBe("KEY=***\n");
    expect(await next.hideSecrets?.(await read("encoded"), untilEnd())).not.toContain("ZmlsZWQ");
  });

  it("another life masks what a command of the life before it prints", async () => {
    given = [env("LATER", "later-0815-value")];
    const { id } = await run("sleep 1; echo $LATER", 0);
    const next = open(fixture, "secrets", () => given);
    await expect
      .poll(async () => (await next.sandbox.readCommand(id, untilEnd())).output, { timeout: 20_000 })
      .toBe("***\n");
  });

  it("has no vault, and an unknown field of a creation is ignored", async () => {
    const vault = new DaytonaVault({ api_key: apiKey, api_url: fixture.server.apiUrl });
    expect(await vault.isThere(untilEnd())).toBe(false);
    expect(await vault.list("taskloom_", untilEnd())).toEqual([]);
    const error = await vault
      .put({ name: "taskloom_x", value: "value-1", hosts: ["a.example"] }, untilEnd())
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "SandboxError", code: "not_found" });
    await vault.remove("taskloom_x", untilEnd());
  });
});

describe("on a Daytona with secrets", () => {
  let fixture: Fixture;
  let vault: DaytonaVault;

  beforeAll(async () => {
    fixture = await startFixture({ apiKey, mode: "0.218" });
    vault = new DaytonaVault({ api_key: apiKey, api_url: fixture.server.apiUrl });
  });
  afterAll(() => fixture.dispose());

  const kept = (name: string, value: string, kept_as = `taskloom_${name}`): GivenSecret => ({
    ...{ name, value, hosts: ["api.example.com"], kept_as },
  });

  it("the vault adds, replaces, lists and removes, and lists no other's", async () => {
    expect(await vault.isThere(untilEnd())).toBe(true);
    for (const value of ["first", "second"]) {
      await vault.put({ name: "taskloom_a_KEY", value, hosts: ["*.example.com"] }, untilEnd());
    }
    await vault.put({ name: "my_taskloom_a_KEY", value: "other", hosts: ["a.example"] }, untilEnd());
    await vault.put({ name: "taskloom_b_KEY", value: "other", hosts: ["a.example"] }, untilEnd());
    expect(await vault.list("taskloom_a_", untilEnd())).toEqual(["taskloom_a_KEY"]);
    await vault.remove("taskloom_a_KEY", untilEnd());
    await vault.remove("taskloom_a_KEY", untilEnd());
    expect(await vault.list("taskloom_", untilEnd())).toEqual(["taskloom_b_KEY"]);
  });

  it("a refusal never quotes the value", async () => {
    const value = `canary-77-${"x".repeat(70_000)}`;
    const error = await vault.put({ name: "taskloom_big", value, hosts: [] }, untilEnd()).catch((reason) => reason);
    expect(error).toMatchObject({ name: "SandboxError", code: "invalid" });
    expect(String(error)).not.toContain("canary-77");
  });

  it("a command sees the placeholder, and values without hosts beside it", async () => {
    await vault.put({ name: "taskloom_API_KEY", value: "real-value-1", hosts: ["api.example.com"] }, untilEnd());
    const given = [kept("API_KEY", "real-value-1"), env("MODE", "plain-value-1")];
    const { run } = open(fixture, "kept", () => given);
    const { output } = await run(`echo "$API_KEY"; ${sha("MODE")}`);
    expect(output).toMatch(/^dtn_secret_[0-9a-f]+\n/);
    expect(output.endsWith(await hash("plain-value-1"))).toBe(true);
    const everything = await run("env; cat /proc/[0-9]*/environ; grep -r 'real-[v]alue-1' ~ /tmp /dev/shm; true");
    expect(everything.output).not.toContain("real-value-1");
  });

  it("the model reads names and hosts, and no value", async () => {
    await vault.put({ name: "taskloom_NAMED", value: "named-value-1", hosts: ["api.example.com"] }, untilEnd());
    let given = [kept("NAMED", "named-value-1"), env("MODE", "plain-value-1")];
    const { sandbox } = open(fixture, "named", () => given);
    await sandbox.listFiles("", 1, untilEnd());
    const notice = sandbox.readSecretsNotice?.() ?? "";
    expect(notice).toContain(
      "NAMED (a placeholder, which HTTPS requests to api.example.com turn into the value), MODE.",
    );
    expect(notice).not.toContain("-value-1");
    given = [];
    const none = open(fixture, "named", () => given);
    await none.sandbox.listFiles("", 1, untilEnd());
    expect(none.sandbox.readSecretsNotice?.()).toBeNull();
  });

  it("one that is added or taken away later counts for the next command, without a new sandbox", async () => {
    for (const name of ["ONE", "TWO"]) {
      await vault.put({ name: `taskloom_${name}`, value: `${name}-value-1`, hosts: ["api.example.com"] }, untilEnd());
    }
    let given = [kept("ONE", "ONE-value-1")];
    const states: string[] = [];
    const { run } = open(fixture, "later", () => given, states);
    await run("echo kept > file.txt");
    given = [kept("TWO", "TWO-value-1")];
    const { output } = await run('echo "[$ONE][$TWO]"; cat file.txt');
    expect(output).toMatch(/^\[\]\[dtn_secret_[0-9a-f]+\]\nkept\n$/);
    // Another life finds it attached.
    expect((await open(fixture, "later", () => given).run("echo $TWO")).output).toMatch(/^dtn_secret_/);
    given = [];
    expect((await run('echo "[$TWO]"')).output).toBe("[]\n");
  });

  it("the first one of a sandbox that has none works after a restart, and its state says so", async () => {
    await vault.put({ name: "taskloom_FIRST", value: "first-value-1", hosts: ["api.example.com"] }, untilEnd());
    let given: GivenSecret[] = [];
    const states: string[] = [];
    const { run } = open(fixture, "first", () => given, states);
    await run("true");
    given = [kept("FIRST", "first-value-1")];
    expect((await run('echo "[$FIRST]"')).output).toBe("[]\n");
    expect(states.at(-1)).toContain("Stop and start the sandbox");
    await (await fixture.client.get("first")).stop();
    expect((await run('echo "$FIRST"')).output).toMatch(/^dtn_secret_/);
  });
});
