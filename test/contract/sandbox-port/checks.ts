// The contract for where checks run, with real programs and files.
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { CheckCommand, CheckPlace, CommandSeen } from "../../../src/agent/checks/place.ts";
import { describeCheckCore } from "./core/checks.ts";
import { failureOf, newId, run, sandbox, untilEnd, writeText } from "./fixture.ts";

export function place(): CheckPlace {
  if (sandbox.checks === undefined) throw new Error("The sandbox has no place for checks.");
  return sandbox.checks;
}

export function describeCheckPlace(): void {
  describeCheckCore(() => ({
    place: place(),
    does: () => {},
    write: writeText,
    remove: (path) => sandbox.deleteFile(path, false, untilEnd()),
  }));
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

function check(command: string, options: Partial<CheckCommand> = {}): Promise<CommandSeen> {
  const request = { command_id: newId(), run: command, cwd: null, time_limit_ms: 20_000, ...options };
  return place().runCommand(request, untilEnd());
}

export function describeCheckCommands(): void {
  it("tell the exit code, the output in its order, its length and its hash", async () => {
    const text = "out\nerr\n世界\n";
    expect(await check("echo out; echo err >&2; echo 世界; exit 3")).toEqual({
      tree: null,
      exit_code: 3,
      output_head: text,
      output_tail: "",
      output_bytes: Buffer.byteLength(text),
      output_hash: hashOf(text),
    });
    expect(await check("true")).toMatchObject({
      exit_code: 0,
      output_head: "",
      output_bytes: 0,
      output_hash: hashOf(""),
    });
    expect((await check("kill -9 $$")).exit_code).toBe(137);
    expect((await check("exit 255")).exit_code).toBe(255);
    expect((await check("no-such-program-at-all")).exit_code).toBe(127);
    expect((await check("printf 'a\\000b\\377c'")).output_head).toBe("a\ufffdb\ufffdc");
  });

  it("run in the folder that is named, and not where there is none", async () => {
    await writeText("in-folder/file.txt", "x");
    expect((await check("ls", { cwd: "in-folder" })).output_head).toBe("file.txt\n");
    expect((await failureOf(check("ls", { cwd: "no/such" }))).code).toBe("not_found");
  });

  it("have an empty home, no input, and nothing of the agent's shell", async () => {
    await run(`echo 'export LEAK=1; echo leaked' >> ~/.bashrc; cp ~/.bashrc ~/.profile; cp ~/.bashrc ~/.bash_profile`);
    const seen = await check(
      'ls -A ~; cat; echo "[$LEAK] [$BASH_ENV]"; command -v node; [ "$HOME" != /home/daytona ] && echo other',
    );
    expect(seen.output_head).toMatch(/^\[\] \[\]\n\/.*node\nother\n$/);
    const [home] = (await check("echo $HOME; touch ~/left")).output_head.split("\n");
    expect((await run(`ls -d ${home}`)).exit_code).not.toBe(0);
  });

  it("keep the first and the last of a flood, and count and hash all of it", async () => {
    const seen = await check("echo FIRST; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo LAST");
    expect(seen.output_head.startsWith("FIRST\nxxx")).toBe(true);
    expect(seen.output_tail.endsWith("xxx\nLAST\n")).toBe(true);
    expect(seen.output_head.length + seen.output_tail.length).toBe(65_536);
    expect(seen.output_bytes).toBe(50_000_012);
    expect(seen.output_hash).toBe(hashOf(`FIRST\n${"x".repeat(50_000_000)}\nLAST\n`));
  });

  it("keep what is between the two halves, and no more", async () => {
    for (const length of [32_768, 40_000, 65_536]) {
      const seen = await check(`head -c ${length} /dev/zero | tr '\\0' y`);
      expect([seen.output_head.length, seen.output_tail]).toEqual([length, ""]);
    }
    const cut = await check("head -c 65537 /dev/zero | tr '\\0' y");
    expect([cut.output_head.length, cut.output_tail.length]).toEqual([32_768, 32_768]);
  });

  it("end at their limit with all that they started", async () => {
    const seen = await check("echo begun; (sleep 300 & setsid sleep 301 &) ; sleep 302", { time_limit_ms: 1_000 });
    expect(seen).toMatchObject({ exit_code: null, output_head: "begun\n" });
    expect((await run("pgrep -f 'sleep 30[012]'")).output).toBe("");
  });

  it("leave nothing running, whatever it holds open", async () => {
    const seen = await check(
      "(setsid sleep 311 &); nohup sleep 312 & (env -i setsid sleep 313 &); sleep 0.3; echo done",
    );
    expect(seen).toMatchObject({ exit_code: 0 });
    expect(seen.output_head).toContain("done\n");
    expect((await run("pgrep -f 'sleep 31[12]'")).output).toBe("");
    await run("pkill -f 'sleep 313'");
  });

  it("start once for an id: whoever asks again attaches, and reads the same end", async () => {
    const command_id = newId();
    const tree = await place().readTree(untilEnd());
    const request = { command_id, tree, time_limit_ms: 20_000 };
    const both = await Promise.all([
      check("echo ran >> ran.txt; sleep 1; echo end", request),
      check("echo ran >> ran.txt; sleep 1; echo end", { ...request, tree: null }),
    ]);
    expect(both[0]).toEqual(both[1]);
    expect(await check("something else", { command_id })).toEqual(both[0]);
    expect((await run("cat ran.txt")).output).toBe("ran\n");
    expect([null, tree.hash]).toContain(both[0].tree?.hash ?? null);
  });

  it("go on when nobody waits any more, until somebody ends them", async () => {
    const command_id = newId();
    const end = new AbortController();
    const reason = new Error("cancelled");
    const waiting = place().runCommand(
      { command_id, run: "touch went-on; sleep 321", cwd: null, time_limit_ms: 60_000 },
      end.signal,
    );
    const rejected = expect(waiting).rejects.toBe(reason);
    while ((await run("ls went-on")).exit_code !== 0);
    end.abort(reason);
    await rejected;
    expect((await run("pgrep -f 'sleep 32[1]'")).output).not.toBe("");
    await place().endProgram(command_id, untilEnd());
    await place().endProgram(command_id, untilEnd());
    expect((await run("pgrep -f 'sleep 32[1]'")).output).toBe("");
    const late = newId();
    await place().endProgram(late, untilEnd());
    expect((await failureOf(check("touch came-late", { command_id: late }))).code).toBe("failed");
    expect((await run("ls came-late")).exit_code).not.toBe(0);
  });

  it("have no result if they end what watches them", async () => {
    const failure = await failureOf(check("pkill -9 -f taskloom; sleep 1; pkill -9 tee"));
    expect(failure.code).toBe("failed");
  });
}

export function describeCheckLooks(): void {
  it("read a file with its hash, its size, and its text if it is one", async () => {
    await writeText("look/a b.txt", "é中\n");
    expect(await place().readFile("look/a b.txt", untilEnd())).toEqual({
      hash: hashOf("é中\n"),
      size: 6,
      text: "é中\n",
    });
    await run("printf 'a\\000b' > look/binary; head -c 3000000 /dev/zero | tr '\\0' z > look/large; mkfifo look/pipe");
    expect((await place().readFile("look/binary", untilEnd())).text).toBeNull();
    expect(await place().readFile("look/large", untilEnd())).toMatchObject({
      size: 3_000_000,
      hash: hashOf("z".repeat(3_000_000)),
      text: "z".repeat(1024 * 1024),
    });
    for (const path of ["look", "look/none", "look/pipe"])
      expect(await place().readFile(path, untilEnd())).toEqual({ hash: null, size: 0, text: null });
    expect((await failureOf(place().readFile("../../up", untilEnd()))).code).toBe("invalid");
  });

  it("hash files in their order", async () => {
    await writeText("look/one", "1");
    await writeText("look/two", "2");
    const hashes = await place().hashFiles(["look/two", "look/none", "look/one"], untilEnd());
    expect(hashes).toEqual([hashOf("2"), null, hashOf("1")]);
    expect(await place().hashFiles([], untilEnd())).toEqual([]);
  });

  it("hash what patterns of protected files match, and name what of it has changed", async () => {
    for (const path of ["match/test/a.js", "match/test/deep/b.js", "match/lib.js"]) await writeText(path, path);
    const match = async (patterns: string[], since?: ReadonlyMap<string, string>) =>
      place().hashMatches(patterns, untilEnd(), since);
    const patterns = ["match/lib.js", "match/test/", "match/**/*.js", "match/none", "match/?ib.js"];
    const before = await match(patterns);
    expect(before).toEqual([
      { hash: hashOf("match/lib.js") },
      { hash: expect.stringMatching(/^[0-9a-f]{64}$/), files: 2 },
      { hash: expect.stringMatching(/^[0-9a-f]{64}$/), files: 3 },
      { hash: null },
      { hash: expect.stringMatching(/^[0-9a-f]{64}$/), files: 1 },
    ]);
    await run("cd match && ln -s test spec && printf x >test/deep/.new.js && mkdir -p test/node_modules");
    const since = new Map(patterns.map((pattern, at) => [pattern, before[at]?.hash ?? ""]));
    const after = await match(patterns, since);
    expect(after[1]).toMatchObject({ files: 3, altered: ["match/test/deep/.new.js"] });
    // A link to the folder lies there now. It has no file's name, so the pattern does not match it.
    expect(after[2]).toMatchObject({ files: 4, altered: ["match/test/deep/.new.js"] });
    expect(after.toSpliced(1, 2)).toMatchObject(before.toSpliced(1, 2));
    const moments = async () => (await match(patterns, since)).map(({ moment }) => moment);
    const untouched = await moments();
    expect(await moments()).toEqual(untouched);
    // One that was changed and changed back, with the time of its last change set back, too.
    await run("cd match/test && cp -p a.js /tmp/a.js && sleep 1 && echo x >a.js && cp -p /tmp/a.js a.js");
    const touched = await moments();
    expect(touched.map((moment, at) => moment === untouched[at])).toEqual([true, false, false, true, true]);
    expect(await match(["match/spec", "/etc", "/etc/*"])).toEqual([
      ...[
        { hash: after[1]?.hash, files: 3 },
        { hash: null, files: 1 },
        { hash: null, files: 1 },
      ],
    ]);
    expect(await match([])).toEqual([]);
    expect((await failureOf(match(["../../up/*"]))).code).toBe("invalid");
  });

  it("tell the state of a repository, whatever its settings hide", async () => {
    await run("mkdir -p look");
    expect((await failureOf(place().readGit("look", untilEnd()))).code).toBe("failed");
    expect((await failureOf(place().readGit("no/such", untilEnd()))).code).toBe("not_found");
    const commit = "git -c user.name=a -c user.email=b commit -qm";
    await run(
      `git init -q -b main r && cd r && echo 1 > a && git add . && ${commit} one && git clone -q --bare . ../r.git`,
    );
    await run("cd r && git remote add origin ../r.git && git fetch -q && git branch -q -u origin/main");
    const clean = await place().readGit("r", untilEnd());
    expect(clean).toEqual({
      branch: "main",
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      changed: [],
      unpushed: 0,
    });
    await run(
      "cd r && echo 2 > a && git update-index --assume-unchanged a && echo n > new && echo new > .git/info/exclude",
    );
    await run("cd r && git config status.showUntrackedFiles no; git config core.fsmonitor 'touch /tmp/ran; false'");
    await run("cd r && git config filter.f.clean 'touch /tmp/ran; cat'; echo '* filter=f' > .git/info/attributes");
    expect((await place().readGit("r", untilEnd())).changed).toEqual(["a", "new"]);
    expect((await run("ls /tmp/ran")).exit_code).not.toBe(0);
    await run(
      "cd r && rm new && git update-index --no-assume-unchanged a && git -c filter.f.clean=cat add a && echo 1 > a",
    );
    expect((await place().readGit("r", untilEnd())).changed).toEqual(["a"]);
    await run("cd r && git config --unset core.fsmonitor; git config --unset filter.f.clean; rm .git/info/*");
    await run(`cd r && ${commit} two && git checkout -q . && git checkout -qb next`);
    expect(await place().readGit("r", untilEnd())).toMatchObject({ branch: "next", changed: [], unpushed: null });
    await run("cd r && git checkout -q main");
    expect(await place().readGit("r", untilEnd())).toMatchObject({ branch: "main", unpushed: 1 });
    await run("rm -rf r r.git");
  });
}

const SERVER = (port: number, host: string) =>
  `node -e 'require("http").createServer((q, a) => { a.writeHead(q.url === "/no" ? 404 : 200); a.end(q.url + " " + q.headers.host) }).listen(${port}, "${host}")'`;

export function describeCheckPrograms(): void {
  const start = (command: string, port: number, options: Partial<CheckCommand> = {}) =>
    place().startProgram(
      { command_id: newId(), run: command, cwd: null, time_limit_ms: 20_000, port, ...options },
      untilEnd(),
    );
  const get = (port: number, path: string) => place().request({ port, path, time_limit_ms: 5_000 }, untilEnd());

  it("are waited for, answer, and are ended with all that they started", async () => {
    for (const [port, host] of [
      [8201, "127.0.0.1"],
      [8202, "::1"],
    ] as const) {
      const command_id = newId();
      await start(SERVER(port, host), port, { command_id });
      await start(SERVER(port, host), port, { command_id });
      const text = `/a?b=%20c localhost:${port}`;
      expect(await get(port, "/a?b= c")).toEqual({
        status: 200,
        body: text,
        body_bytes: text.length,
        body_hash: hashOf(text),
      });
      expect((await get(port, "no")).status).toBe(404);
      await place().endProgram(command_id, untilEnd());
      expect((await failureOf(get(port, "/"))).code).toBe("not_found");
    }
  });

  it("are not started beside another one on their port", async () => {
    const command_id = newId();
    await start(SERVER(8203, "127.0.0.1"), 8203, { command_id });
    const failure = await failureOf(start(SERVER(8203, "127.0.0.1"), 8203));
    expect(failure).toMatchObject({ code: "not_found", message: expect.stringContaining("already listens") });
    await place().endProgram(command_id, untilEnd());
    expect((await failureOf(place().request({ port: 2280, path: "/", time_limit_ms: 1_000 }, untilEnd()))).code).toBe(
      "refused",
    );
  });

  it("tell their last output if they end, or never listen", async () => {
    const ended = await failureOf(start("echo cannot find module; exit 4", 8204));
    expect(ended).toMatchObject({
      code: "not_found",
      message: expect.stringMatching(/exited with 4 .*cannot find module/s),
    });
    const silent = await failureOf(start("echo thinking; sleep 331", 8205, { time_limit_ms: 1_500 }));
    expect(silent.message).toMatch(/did not listen on port 8205.*thinking/s);
    expect((await run("pgrep -f 'sleep 33[1]'")).output).toBe("");
  });
}
