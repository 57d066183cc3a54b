// The contract for commands that needs a real shell: its syntax, its processes, its floods of output.
import { expect, it } from "vitest";
import { failureOf, newId, run, sandbox, untilEnd } from "./fixture.ts";

export function describeCommands(): void {
  it("end with the exit code of the command", async () => {
    expect(await run("true")).toEqual({ exit_code: 0, output: "", omitted_bytes: 0 });
    expect((await run("false")).exit_code).toBe(1);
    expect((await run("exit 3")).exit_code).toBe(3);
    expect((await run("kill -9 $$")).exit_code).toBe(137);
    expect((await run("no-such-program-at-all")).exit_code).toBe(127);
    expect((await run("if then")).exit_code).not.toBe(0);
  });

  it("return stdout and stderr in the order of writing, without an added line feed", async () => {
    const { output } = await run("echo one; sleep 0.2; echo two >&2; sleep 0.2; printf three");
    expect(output).toBe("one\ntwo\nthree");
  });

  it("pass quotes, dollars, heredocs and characters of any script through unchanged", async () => {
    const command = `name="it's \\"me\\""; echo "$name" '$HOME' 'a'"'"'b' \\\\ !x 中文 😀
cat <<'END'
$HOME \`whoami\` "quoted" 'single' \\n
END
cat <<END
$((1 + 1)) é
END`;
    expect((await run(command)).output).toBe(
      "it's \"me\" $HOME a'b \\ !x 中文 😀\n$HOME `whoami` \"quoted\" 'single' \\n\n2 é\n",
    );
  });

  it("return bytes that are not text as replacement characters", async () => {
    expect((await run("printf 'a\\000b\\377c'")).output).toMatch(/^a\ufffd?b\ufffd+c$/);
  });

  it("are not blocked by what the command leaves running in the background", async () => {
    const state = await run("sleep 25 & echo started", { wait_ms: 20_000 });
    expect(state).toMatchObject({ exit_code: 0, output: "started\n" });
  });

  it("each have a shell of their own, whatever they do to it", async () => {
    const work = (await run("pwd")).output;
    expect((await run("cd /tmp; export LEAK=1; alias ls=false; set -e; pwd")).output).toBe("/tmp\n");
    expect((await run('pwd; echo "[$LEAK]"; false; ls / >/dev/null && echo on')).output).toBe(`${work}[]\non\n`);
    expect(await run("set -e; false; echo never")).toMatchObject({ exit_code: 1, output: "" });
    expect(await run("exec sh -c 'echo other; exit 7'")).toMatchObject({ exit_code: 7, output: "other\n" });
    expect(await run("trap 'echo bye' EXIT; exit 5")).toMatchObject({ exit_code: 5, output: "bye\n" });
    expect((await run('echo "unclosed')).exit_code).not.toBe(0);
    expect(await run("cat <<'END'\nno end")).toMatchObject({ output: expect.stringContaining("no end") });
  });

  it("fail when their folder does not exist", async () => {
    const { exit_code, output } = await run("echo never", { cwd: "no/such/folder" });
    expect(exit_code).not.toBe(0);
    expect(output).not.toContain("never");
  });
}

export function describeLongCommands(): void {
  it("return when the wait is over, can be asked again, and are ended with everything they started", async () => {
    const command_id = newId();
    const counting = "i=0; while sleep 0.2; do i=$((i+1)); echo $i > late.txt; done";
    const begun = await run(`echo begun; (${counting}) & sleep 300`, { command_id, wait_ms: 2_000 });
    expect(begun).toMatchObject({ exit_code: null, omitted_bytes: 0 });
    const begins = { exit_code: null, output: "begun\n", omitted_bytes: 0 };
    await expect.poll(() => sandbox.readCommand(command_id, untilEnd())).toEqual(begins);
    await sandbox.terminateCommand(command_id, untilEnd());
    await sandbox.terminateCommand(command_id, untilEnd());
    const ended = await sandbox.readCommand(command_id, untilEnd());
    expect(ended.exit_code).not.toBeNull();
    expect(ended.output).toBe("begun\n");
    // However late the end came: nothing counts any more.
    const still = await run('before=$(cat late.txt); sleep 1; test "$before" = "$(cat late.txt)"');
    expect(still.exit_code).toBe(0);
  });

  it("read a line of input into a variable of their shell", async () => {
    const command_id = newId();
    await run('read -r name; echo "hello $name"', { command_id, wait_ms: 100 });
    await sandbox.sendInput(command_id, "世界", untilEnd());
    const state = await run("", { command_id });
    expect(state).toMatchObject({ exit_code: 0, output: "hello 世界\n" });
    expect((await failureOf(sandbox.sendInput(command_id, "more", untilEnd()))).code).toBe("failed");
  });

  it("show output while the command runs", async () => {
    const [command_id, go] = [newId(), `go-${newId()}`];
    const command = `echo out; echo err >&2; until [ -e ${go} ]; do sleep 0.1; done; echo end`;
    const shown = { stdout: "", stderr: "" };
    let seen: Promise<unknown> | null = null;
    const show = (stream: keyof typeof shown, text: string): void => {
      shown[stream] += text;
      // It ends only if both were seen before.
      if (shown.stdout === "out\n" && shown.stderr === "err\n") seen ??= run(`touch ${go}`);
    };
    const state = await sandbox.runCommand({ command_id, command, wait_ms: 30_000 }, show, untilEnd());
    await seen;
    expect([state.exit_code, shown]).toEqual([0, { stdout: "out\nend\n", stderr: "err\n" }]);
  });

  it("keep head and tail of ten megabytes and count what lies between", async () => {
    const { exit_code, output, omitted_bytes } = await run(
      "echo HEAD; head -c 10000000 /dev/zero | tr '\\0' x; echo; echo TAIL",
    );
    expect(exit_code).toBe(0);
    expect(output.startsWith("HEAD\nxxx")).toBe(true);
    expect(output.endsWith("xxx\nTAIL\n")).toBe(true);
    expect(output.length).toBeLessThan(100_000);
    const kept = output.length - output.replace(/\n\[… \d+ bytes left out …\]\n/, "").length;
    expect(output.length - kept + omitted_bytes).toBe(10_000_011);
  });

  it("limit what a flood shows and keeps", async () => {
    let shown = 0;
    const request = { command_id: newId(), command: "timeout 1 yes flood", wait_ms: 45_000 };
    const state = await sandbox.runCommand(request, (_, text) => (shown += text.length), untilEnd());
    expect(state.exit_code).toBe(124);
    expect(state.output.length).toBeLessThan(100_000);
    expect(shown).toBeLessThan(300_000);
    expect((await run("echo alive")).output).toBe("alive\n");
  });

  it("stop waiting when the signal aborts within their output, and continue in the sandbox", async () => {
    const command_id = newId();
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const request = { command_id, command: "echo begun; sleep 1; echo went on", wait_ms: 30_000 };
    const running = sandbox.runCommand(request, () => controller.abort(reason), controller.signal);
    await expect(running).rejects.toBe(reason);
    expect(await run("", { command_id })).toMatchObject({ exit_code: 0, output: "begun\nwent on\n" });
    await expect(sandbox.listCommands(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
}
