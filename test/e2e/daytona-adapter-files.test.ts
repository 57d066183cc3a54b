/**
 * What a real Daytona's daemon can't do with files, or does to them, and what our sandbox makes of it: the daemon's own
 * folder, links, pipes, long lines, folders with a hundred thousand entries, uploads that are cut.
 */
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Adapter, bytes, failureOf, startAdapter, text, untilEnd } from "./daytona-adapter.ts";

let adapter: Adapter;

beforeAll(async () => {
  adapter = await startAdapter();
  await adapter.run("echo needle-of-the-log", { command_id: "logged" });
});

afterAll(() => adapter.fixture.dispose());

const paths = (entries: readonly { path: string }[]): string[] => entries.map(({ path }) => path);

async function readAll(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await new Response(body).arrayBuffer());
}

describe("Daytona's own folder", () => {
  it("is there, with what commands were and printed", async () => {
    const listed = (await adapter.real.fs.listFiles(".")).map(({ name }) => name);
    expect(listed).toContain(".daytona");
    expect(await adapter.shell("cat .daytona/sessions/*/*/cmd.sh; cat .daytona/sessions/*/*/output.log")).toContain(
      "\u0001\u0001\u0001needle-of-the-log\n",
    );
    expect((await adapter.real.fs.findFiles(".", "needle-of-the-log")).length).toBeGreaterThan(0);
  });

  it("is not listed, found or searched", async () => {
    const { sandbox, workspace } = adapter;
    expect(paths(await sandbox.listFiles("", 4, untilEnd())).join("\n")).not.toContain(".daytona");
    expect(paths((await workspace.listFiles("", 4, untilEnd())).entries).join("\n")).not.toContain(".daytona");
    expect(paths(await sandbox.listFiles("/home", 3, untilEnd())).join("\n")).not.toContain(".daytona");
    expect(await sandbox.findFiles("", "cmd.sh", untilEnd())).toEqual([]);
    expect(await sandbox.findFiles("", ".daytona", untilEnd())).toEqual([]);
    const search = { path: "", is_expression: false, ignore_case: false, glob: null };
    const { matches } = await sandbox.searchFiles({ ...search, pattern: "needle-of-the-log" }, untilEnd());
    expect(matches).toEqual([]);
  });

  it("is neither sent nor changed, also not behind a link", async () => {
    const { sandbox, workspace } = adapter;
    await adapter.shell("ln -sfn .daytona behind");
    const log = (await adapter.shell("ls -d .daytona/sessions/*/*/output.log | head -n 1")).trim();
    const refusals = [
      () => sandbox.readFile(log, untilEnd()),
      () => sandbox.listFiles(".daytona", 1, untilEnd()),
      () => sandbox.deleteFile(".daytona", true, untilEnd()),
      () => sandbox.writeFile(".daytona/x", bytes("x"), untilEnd()),
      () => sandbox.moveFile(".daytona", "mine", untilEnd()),
      () => workspace.openFile(log, null, untilEnd()),
      () => workspace.openFile(log.replace(".daytona", "behind"), null, untilEnd()),
      () => workspace.listFiles("behind/sessions", 1, untilEnd()),
      () => workspace.writeFile("behind/x", { content: new Blob(["x"]).stream(), limit_bytes: 10 }, untilEnd()),
    ];
    for (const refused of refusals) expect(await failureOf(refused())).toMatchObject({ code: "refused" });
    expect(await adapter.shell("ls .daytona")).toBe("sessions\n");
    await adapter.shell("rm behind");
  });

  it("is not in an archive, and a project's folder of that name is", async () => {
    await adapter.shell(
      "mkdir -p project/.daytona && echo mine > project/.daytona/config && echo needle-of-mine > a.txt",
    );
    const archive = await adapter.workspace.openArchive?.("", untilEnd());
    const content = gunzipSync(await readAll(archive?.body ?? new Blob().stream())).toString("latin1");
    expect(content).toContain("needle-of-mine");
    expect(content).toContain("project/.daytona/config");
    expect(content).not.toContain("needle-of-the-log");
    expect(content).not.toContain("/.daytona/sessions");
    expect(paths(await adapter.sandbox.listFiles("project", 2, untilEnd()))).toContain("project/.daytona/config");
    await adapter.shell("rm -r project a.txt");
  });
});

describe("a link", () => {
  const made =
    "mkdir -p links/dir && cd links && echo 1 > dir/f && ln -s dir to-dir && ln -s nowhere dangling && ln -s dir/f to-file && ln -s .. loop";

  it("is listed wherever it leads, and a loop ends", async () => {
    await adapter.shell(made);
    const entries = await adapter.sandbox.listFiles("links", 9, untilEnd());
    expect(entries.map(({ path, is_dir, size }) => [path, is_dir, size])).toEqual([
      ["links/dangling", false, 0],
      ["links/dir", true, 0],
      ["links/dir/f", false, 2],
      ["links/loop", true, 0],
      ["links/to-dir", true, 0],
      ["links/to-file", false, 2],
    ]);
    expect((await adapter.real.fs.listFiles("links")).map(({ name }) => name)).not.toContain("dangling");
  });

  it("is deleted, and what it leads to stays", async () => {
    for (const remove of [
      (path: string) => adapter.sandbox.deleteFile(path, false, untilEnd()),
      (path: string) => adapter.workspace.deleteFile(path, false, untilEnd()),
    ]) {
      await adapter.shell(`rm -rf links; ${made}`);
      for (const name of ["to-dir", "dangling", "to-file", "loop"]) await remove(`links/${name}`);
      expect(await adapter.shell("ls links; cat links/dir/f")).toBe("dir\n1\n");
    }
  });

  it("is refused by the daemon itself, as it is in 0.190", async () => {
    await adapter.shell(`rm -rf links; ${made}`);
    const status = (path: string) =>
      adapter.real.fs.deleteFile(path).then(
        () => 204,
        (error: { statusCode?: number }) => error.statusCode,
      );
    expect([await status("links/to-dir"), await status("links/dangling")]).toEqual([400, 404]);
  });

  it("is moved as itself, and written through", async () => {
    await adapter.shell(`rm -rf links; ${made}`);
    await adapter.sandbox.moveFile("links/dangling", "links/moved", untilEnd());
    expect(await adapter.shell("readlink links/moved")).toBe("nowhere\n");
    expect((await failureOf(adapter.sandbox.moveFile("links/dir/f", "links/moved", untilEnd()))).code).toBe("invalid");
    await adapter.sandbox.writeFile("links/to-file", bytes("new"), untilEnd());
    await adapter.sandbox.writeFile("links/moved", bytes("made"), untilEnd());
    expect(await adapter.shell("cat links/dir/f links/nowhere; readlink links/to-file")).toBe("newmadedir/f\n");
  });
});

describe("a pipe", () => {
  it("is not read, for which the daemon would wait, and not written", async () => {
    await adapter.shell("rm -f pipe; mkfifo pipe");
    for (const refused of [
      () => adapter.sandbox.readFile("pipe", untilEnd()),
      () => adapter.workspace.openFile("pipe", null, untilEnd()),
      () => adapter.sandbox.writeFile("pipe", bytes("x"), untilEnd()),
      () => adapter.workspace.writeFile("pipe", { content: new Blob(["x"]).stream(), limit_bytes: 10 }, untilEnd()),
    ])
      expect(await failureOf(refused())).toMatchObject({
        code: "invalid",
        message: expect.stringContaining("regular"),
      });
    await adapter.sandbox.deleteFile("pipe", false, untilEnd());
    expect(await adapter.shell("ls -a | grep -e pipe -e taskloom")).toBe("");
  });
});

describe("a long line", () => {
  it("does not hide what follows it", async () => {
    await adapter.shell("mkdir -p long && { head -c 200000 /dev/zero | tr '\\0' x; echo; echo needle; } > long/a.js");
    expect(await adapter.real.fs.findFiles("long", "needle")).toEqual([]);
    const search = { path: "long", pattern: "needle", is_expression: false, ignore_case: false, glob: null };
    const { matches } = await adapter.sandbox.searchFiles(search, untilEnd());
    expect(matches).toEqual([{ path: "long/a.js", line: 2, text: "needle" }]);
  });
});

describe("a folder with a hundred thousand entries", () => {
  beforeAll(() =>
    adapter.shell("mkdir -p crowd && cd crowd && seq -f 'f%06g' 100000 | xargs touch && mkdir zzz && touch ../after"),
  );

  it("is listed up to the limit, and says that there is more", async () => {
    const { entries, is_cut } = await adapter.workspace.listFiles("crowd", 3, untilEnd());
    expect([entries.length, is_cut, entries[0]?.path, entries.at(-1)?.path]).toEqual([
      1_000,
      true,
      "crowd/f000001",
      "crowd/f001000",
    ]);
    const around = await adapter.workspace.listFiles("", 2, untilEnd());
    expect(paths(around.entries)).toEqual(expect.arrayContaining(["after", "crowd", "crowd/f000001"]));
    expect([around.entries.length, around.is_cut]).toEqual([1_000, true]);
  });

  it("is searched by name up to the limit", async () => {
    expect(await adapter.sandbox.findFiles("crowd", "f0999*", untilEnd())).toHaveLength(100);
    expect(await adapter.sandbox.findFiles("crowd", "*", untilEnd())).toHaveLength(1_000);
  });

  it("is deleted, and nothing of it stays", async () => {
    await adapter.sandbox.deleteFile("crowd", true, untilEnd());
    expect(await adapter.shell("ls -A | grep -e crowd -e taskloom")).toBe("");
  });
});

describe("a part of a file", () => {
  it("that is the last 0 bytes is none", async () => {
    await adapter.sandbox.writeFile("part.txt", bytes("hello"), untilEnd());
    const base = `${adapter.real.toolboxProxyUrl}/${adapter.real.id}`;
    const headers = { authorization: "Bearer dtn_key-of-the-tests", range: "bytes=-0" };
    const answer = await fetch(`${base}/files/download?path=part.txt`, { headers });
    expect([answer.status, await answer.text()]).toEqual([206, ""]);
    const { part, size } = await adapter.workspace.openFile("part.txt", "bytes=-0", untilEnd());
    expect([part, size]).toEqual(["bytes */5", 0]);
    const whole = await adapter.workspace.openFile("part.txt", "bytes=-2", untilEnd());
    expect([whole.part, text(await readAll(whole.body))]).toEqual(["bytes 3-4/5", "lo"]);
  });
});

describe("a file below a file", () => {
  it("is refused with the reason, and no word of a temporary file", async () => {
    await adapter.shell("echo 1 > plain");
    const error = await failureOf(adapter.sandbox.writeFile("plain/below", bytes("x"), untilEnd()));
    expect(error).toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/^plain\/below: .*not a directory/i),
    });
    expect(error.message).not.toContain("taskloom");
    expect((await failureOf(adapter.sandbox.moveFile("plain", "plain2/../plain/in", untilEnd()))).code).toBe("invalid");
  });
});

describe("a folder that takes no other file", () => {
  it("still has its own files written", async () => {
    await adapter.shell("mkdir -p sealed && echo old > sealed/file && chmod 555 sealed");
    await adapter.sandbox.writeFile("sealed/file", bytes("new"), untilEnd());
    expect(await adapter.shell("cat sealed/file; ls -A sealed")).toBe("newfile\n");
    expect((await failureOf(adapter.sandbox.writeFile("sealed/other", bytes("x"), untilEnd()))).code).not.toBe(
      "unavailable",
    );
    await adapter.shell("chmod 755 sealed");
  });
});
