/** Git over HTTP, with passwords: against a host on this machine, so only where the sandboxes run here too. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type GitServer, spellBasic, startGitServer } from "../../e2e/git-server.ts";
import { failureOf, makeFolder, run, sandbox, statusOf } from "./place.ts";

const author = ["Ann Other", "ann@example.com"] as const;
const password = "s3cret-of-the-contract";

export function describeGitHosts(): void {
  let host: GitServer;
  beforeAll(async () => {
    host = await startGitServer();
  });
  afterAll(() => host?.close());

  it("clones, pulls and pushes without a password where none is needed", async () => {
    const { url, read, commit } = await host.addRepository("open", { files: { "a.txt": "first\n" } });
    const path = `${await makeFolder()}/clone`;
    await sandbox.git.clone(url, path);
    await commit("main", { "b.txt": "theirs\n" });
    await sandbox.git.pull(path);
    expect((await sandbox.fs.downloadFile(`${path}/b.txt`)).toString()).toBe("theirs\n");
    await sandbox.fs.uploadFile(Buffer.from("ours\n"), `${path}/c.txt`);
    await sandbox.git.add(path, ["c.txt"]);
    await sandbox.git.commit(path, "ours", ...author);
    await sandbox.git.push(path);
    expect(await read("main", "c.txt")).toBe("ours\n");
  });

  it("sends a password to its host, and stores it nowhere in the sandbox", async () => {
    const credentials = { username: "ann", password };
    const { url, read } = await host.addRepository("closed", { files: { "a.txt": "first\n" }, credentials });
    const folder = await makeFolder();
    expect(await statusOf(sandbox.git.clone(url, `${folder}/none`))).toBe(401);
    expect(await statusOf(sandbox.git.clone(url, `${folder}/wrong`, undefined, undefined, "ann", "wrong"))).toBe(401);
    const path = `${folder}/clone`;
    await sandbox.git.clone(url, path, undefined, undefined, "ann", password);
    expect(host.requests.some(({ authorization }) => authorization === spellBasic("ann", password))).toBe(true);
    await sandbox.git.commit(path, "ours", ...author, true);
    expect(await statusOf(sandbox.git.push(path))).toBe(401);
    await sandbox.git.push(path, "ann", password);
    await sandbox.git.pull(path, "ann", password);
    expect(await read("main", "a.txt")).toBe("first\n");
    const found = `grep -rl '${password}' ~ /tmp 2>/dev/null; git -C ${path} config --list | grep -c '${password}'`;
    expect((await sandbox.process.executeCommand(found)).result).toBe("0\n");
  });

  it("reports what a host refuses", async () => {
    const folder = await makeFolder();
    expect(await statusOf(sandbox.git.clone(`${host.origin}/none.git`, `${folder}/none`))).toBe(404);
    const { url } = await host.addRepository("refusing", { files: { "a.txt": "x" }, refusal: "not on a Tuesday" });
    const path = `${folder}/refused`;
    await sandbox.git.clone(url, path);
    await sandbox.git.commit(path, "ours", ...author, true);
    const error = await failureOf(sandbox.git.push(path));
    expect(error.statusCode).toBeGreaterThanOrEqual(400);
    expect(error.message).toContain("not on a Tuesday");
    expect(await run(`git -C ${path} status --porcelain`)).toBe("");
  });
}
