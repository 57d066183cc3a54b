/**
 * What a real Daytona's sessions do to commands, and what our sandbox makes of it: lines that are held back, inputs
 * that are not there yet, sessions that are gone.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Adapter, failureOf, startAdapter, untilEnd } from "./daytona-adapter.ts";

let adapter: Adapter;

beforeAll(async () => {
  adapter = await startAdapter();
});

afterAll(() => adapter.fixture.dispose());

describe.concurrent("a command that asks", () => {
  const askers: Record<string, [command: string, prompt: string, answered: string]> = {
    "a shell's read": ["printf 'Password: '; read -r word; echo \"got $word\"", "Password: ", "Password: got secret\n"],
    "its errors' stream": ["printf 'Sure? ' >&2; read -r word; echo \"got $word\"", "Sure? ", "Sure? got secret\n"],
    "a whole line first": [
      "echo Setup; printf 'Name: '; read -r word; echo $word",
      "Setup\nName: ",
      "Setup\nName: secret\n",
    ],
    "a program of a pipeline": ["printf '? '; head -n 1 | cat", "? ", "? secret\n"],
    "a program in a subshell": ["(cd /tmp; printf '? '; sh -c 'read -r word; echo $word') 2>&1", "? ", "? secret\n"],
    python: ["python3 -c 'print(input(\"Name? \"))'", "Name? ", "Name? secret\n"],
    node: [
      'node -e \'const r = require("readline").createInterface({input: process.stdin, output: process.stdout}); r.question("Name? ", (w) => { console.log(w); process.exit(); })\'',
      "Name? ",
      "Name? secret\n",
    ],
  };

  for (const [what, [command, prompt, answered]] of Object.entries(askers)) {
    it(`without a line's end is noticed, with what it printed: ${what}`, async () => {
      const { sandbox } = adapter;
      const command_id = `ask_${what.replace(/\W+/g, "_")}`;
      const shown: string[] = [];
      const request = { command_id, command, wait_ms: 60_000 };
      const state = await sandbox.runCommand(request, (_, text) => shown.push(text), untilEnd());
      expect(state).toEqual({ exit_code: null, output: prompt, omitted_bytes: 0, waits_for_input: true });
      expect(shown.join("")).toBe(`${prompt}\n[the command waits for input]\n`);
      expect(await sandbox.readCommand(command_id, untilEnd())).toEqual(state);
      await sandbox.sendInput(command_id, "secret", untilEnd());
      const end = await sandbox.runCommand({ ...request, command: "" }, () => {}, untilEnd());
      expect(end).toEqual({ exit_code: 0, output: answered, omitted_bytes: 0 });
    });
  }

  it("is reported at the wait's end, if its question ends with a line", async () => {
    const state = await adapter.run("echo 'Name?'; read -r name", { wait_ms: 8_000 });
    expect(state).toEqual({ exit_code: null, output: "Name?\n", omitted_bytes: 0, waits_for_input: true });
  });

  it.each([
    ["sleeps", "printf 'Working '; sleep 5; echo done"],
    ["reads another's output", "printf 'Working '; x=$(sleep 5; echo done); echo $x"],
    ["waits for its children", "printf 'Working '; (sleep 5) & wait; echo done"],
    ["reads a file that is no input", "printf 'Working '; sleep 5 | cat; echo done"],
  ])("is never one that only %s", async (_, command) => {
    const state = await adapter.run(command);
    expect(state).toEqual({ exit_code: 0, output: "Working done\n", omitted_bytes: 0 });
  });
});

describe("input", () => {
  it("right after the start waits until the command can take it", async () => {
    const { sandbox, open } = adapter;
    for (let round = 0; round < 10; round++) {
      const command_id = `hurry_${round}`;
      const request = { command_id, command: 'read -r word; echo "got $word"', wait_ms: 0 };
      await sandbox.runCommand(request, () => {}, untilEnd());
      await open().sendInput(command_id, `${round}`, untilEnd());
      const state = await sandbox.runCommand({ ...request, wait_ms: 30_000 }, () => {}, untilEnd());
      expect(state).toMatchObject({ exit_code: 0, output: `got ${round}\n` });
    }
  });

  it("to a command that has ended is refused as that", async () => {
    await adapter.run("true", { command_id: "over" });
    const error = await failureOf(adapter.sandbox.sendInput("over", "x", untilEnd()));
    expect(error).toMatchObject({ code: "failed", message: expect.stringContaining("has ended") });
  });
});

describe("a session that is gone", () => {
  it("when its command is started is made again, as after a restart", async () => {
    const { faults, real, run } = adapter;
    await real.process.createSession("taskloom-lost");
    await real.process.deleteSession("taskloom-lost");
    const refused = await real.process
      .executeSessionCommand("taskloom-lost", { command: "true" })
      .catch((error: { statusCode?: number; message?: string }) => error);
    expect(refused).toMatchObject({ statusCode: 500, message: "failed to execute command: session not found" });
    // The request that makes the session gets its answer, and then the session is lost.
    faults.push({ request: "POST /toolbox/*/exec", answer: "session_lost", times: 1 });
    expect(await run("echo ran")).toMatchObject({ exit_code: 0, output: "ran\n" });
  });
});

describe("what the daemon keeps of commands", () => {
  it("is invisible to git, also where the home is a repository", async () => {
    await adapter.run("git init -q . && git add -A && git status --porcelain");
    const state = await adapter.run(
      "ls -d ~/.daytona/sessions && git status --porcelain --ignored && git add -A && git diff --cached --name-only",
    );
    expect(state).toMatchObject({
      exit_code: 0,
      output: expect.stringContaining("/.daytona/sessions\n!! .daytona/\n"),
    });
    expect(state.output).not.toContain(".daytona/sessions/");
    await adapter.shell("rm -rf .git");
  });
});
