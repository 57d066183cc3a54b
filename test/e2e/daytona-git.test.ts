/**
 * git in sandboxes and its connection to a remote, through the unmodified SDK, against a git host on loopback.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Fixture, startFixture } from "./daytona-fixture.ts";
import { ann, type GitFixture, startGitFixture } from "./daytona-git-fixture.ts";
import { spellBasic, startGitServer } from "./git-server.ts";

let opened: GitFixture;
let fixture: Fixture;
let host: GitFixture["host"];
let sandbox: GitFixture["sandbox"];
let shell: GitFixture["shell"];

beforeAll(async () => {
  opened = await startGitFixture();
  ({ fixture, host, sandbox, shell } = opened);
});

afterAll(() => opened.close());

describe("a clone", () => {
  it("has the files, the default branch and the original address, and no trace of the relay", async () => {
    const { url } = await host.addRepository("plain", { files: { "README.md": "hello\n", "a b/店.txt": "x" } });
    await sandbox.git.clone(url, "plain");
    expect(await shell("cat README.md 'a b/店.txt'", "plain")).toBe("hello\nx");
    expect(await sandbox.git.status("plain")).toMatchObject({
      currentBranch: "main",
      fileStatus: [],
      ahead: 0,
      behind: 0,
      branchPublished: false,
    });
    expect(await sandbox.git.remotes("plain")).toEqual({ remotes: [{ name: "origin", url }] });
    expect(await shell("cat .git/config", "plain")).not.toMatch(/insteadOf|proxy/i);
  });

  it("is of a branch, of a commit, or shallow where requested", async () => {
    const repository = await host.addRepository("many", { files: { f: "1" }, branches: { side: { f: "side" } } });
    const first = (await repository.git("rev-parse", "main")).trim();
    await repository.commit("main", { f: "2" });
    await sandbox.git.clone(repository.url, "side", "side");
    expect(await shell("cat f", "side")).toBe("side");
    await sandbox.git.clone(repository.url, "old", undefined, first);
    expect(await shell("cat f", "old")).toBe("1");
    expect(await sandbox.git.status("old")).toMatchObject({ detached: true });
    await sandbox.git.clone(repository.url, "thin", undefined, undefined, undefined, undefined, undefined, 1);
    expect(await shell("git rev-list --count HEAD", "thin")).toBe("1\n");
    await sandbox.git.clone(repository.url, "deep", undefined, first, undefined, undefined, undefined, 1);
    expect(await shell("cat f", "deep")).toBe("1");
  });

  it("reports what is missing, with the daemon's codes", async () => {
    const { url } = await host.addRepository("some", { files: { f: "1" } });
    await expect(sandbox.git.clone(`${host.origin}/none.git`, "none")).rejects.toMatchObject({
      name: "DaytonaGitRepoNotFoundError",
      statusCode: 404,
    });
    await expect(sandbox.git.clone(url, "none", "no-such-branch")).rejects.toMatchObject({
      name: "DaytonaGitBranchNotFoundError",
    });
    await expect(sandbox.git.clone(url, "no-commit", undefined, "f".repeat(40))).rejects.toMatchObject({
      statusCode: 404,
    });
    await expect(sandbox.git.clone("ssh://git@127.0.0.1/x.git", "none")).rejects.toMatchObject({
      name: "DaytonaGitAuthFailedError",
      message: expect.stringContaining("invalid auth method"),
    });
    await expect(sandbox.git.clone("http://127.0.0.1:1/x.git", "none")).rejects.toMatchObject({
      name: "DaytonaGitTransportFailedError",
      statusCode: 502,
    });
    host.intercept = (_request, response) =>
      Boolean(response.writeHead(200, { "content-type": "text/html" }).end("hi"));
    await expect(sandbox.git.clone(url, "none")).rejects.toMatchObject({ name: "DaytonaGitRepoNotFoundError" });
    host.intercept = undefined;
    await sandbox.fs.uploadFile(Buffer.from("mine"), "full/file");
    await expect(sandbox.git.clone(url, "full")).rejects.toMatchObject({ statusCode: 409 });
    expect(await shell("cat full/file; ls -d none")).toContain("mine");
  });
});

describe("a git password", () => {
  it("reaches the host, and never the sandbox: no process while git runs, no file afterwards", async () => {
    const { url } = await host.addRepository("secret", { files: { f: "1" }, credentials: ann });
    const held = holdRequests("/secret.git/git-upload-pack");
    const cloning = sandbox.git.clone(url, "secret", undefined, undefined, ann.username, ann.password);
    await held.reached;
    const seen = await shell("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'; echo; git config -l");
    held.release();
    await cloning;
    expect(seen).toContain("git-remote-http");
    for (const text of [
      ann.password,
      encodeURIComponent(ann.password),
      spellBasic(ann.username, ann.password).slice(6),
    ]) {
      expect(seen).not.toContain(text);
      expect(await shell(`grep -rIlF -- '${text}' /home /tmp /run 2>/dev/null`)).toBe("");
    }
    expect(host.requests.filter(({ authorization }) => authorization !== undefined).length).toBeGreaterThan(0);
  });

  it("in an address is used once and not stored", async () => {
    const { url } = await host.addRepository("inline", { files: { f: "1" }, credentials: ann });
    const address = new URL(url);
    Object.assign(address, ann);
    await sandbox.git.clone(address.href, "inline");
    expect((await sandbox.git.remotes("inline")).remotes).toEqual([{ name: "origin", url }]);
    await expect(sandbox.git.pull("inline")).rejects.toMatchObject({
      name: "DaytonaGitAuthFailedError",
      statusCode: 401,
    });
    await sandbox.git.pull("inline", ann.username, ann.password);
  });

  it("that is wrong or missing is reported", async () => {
    const { url } = await host.addRepository("locked", { files: { f: "1" }, credentials: ann });
    for (const [username, password] of [
      [undefined, undefined],
      ["ann", "wrong"],
    ]) {
      await expect(sandbox.git.clone(url, "locked", undefined, undefined, username, password)).rejects.toMatchObject({
        name: "DaytonaGitAuthFailedError",
        statusCode: 401,
      });
    }
  });
});

describe("a git relay", () => {
  it("reaches only the operation's repository and service, and closes with the operation", async () => {
    const { url } = await host.addRepository("fenced", { files: { f: "1" }, credentials: ann });
    await host.addRepository("other", { files: { f: "other" } });
    const held = holdRequests("/fenced.git/git-upload-pack");
    const cloning = sandbox.git.clone(url, "fenced", undefined, undefined, ann.username, ann.password);
    await held.reached;
    const port = /http:\/\/127\.0\.0\.1:(\d+)\/repository/.exec(
      await shell("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'"),
    )?.[1];
    const ask = (path: string): Promise<string> =>
      shell(`exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3 && head -1 <&3`);
    const inside = await ask("/repository/info/refs?service=git-upload-pack");
    const outside = await Promise.all(
      [
        "/repository/info/refs?service=git-receive-pack",
        "/repository/../other.git/info/refs?service=git-upload-pack",
        "/other.git/info/refs?service=git-upload-pack",
        `${host.origin}/other.git/info/refs?service=git-upload-pack`,
        "/repository/HEAD",
      ].map(ask),
    );
    held.release();
    await cloning;
    expect(inside).toContain(" 200 ");
    for (const line of outside) expect(line).toContain(" 403 ");
    expect(await ask("/repository/info/refs?service=git-upload-pack")).toContain("Connection refused");
  });

  it("follows redirects on the same host, and to no other", async () => {
    const { url } = await host.addRepository("moved/here", { files: { f: "1" }, credentials: ann });
    const other = await startGitServer();
    host.redirect("/old.git", "/moved/here.git");
    host.redirect("/away.git", `${other.origin}/x.git`);
    await sandbox.git.clone(`${host.origin}/old.git`, "followed", undefined, undefined, ann.username, ann.password);
    expect((await sandbox.git.remotes("followed")).remotes).toMatchObject([{ url: `${host.origin}/old.git` }]);
    const away = sandbox.git.clone(`${host.origin}/away.git`, "away", undefined, undefined, ann.username, ann.password);
    await expect(away).rejects.toMatchObject({ name: "DaytonaGitTransportFailedError" });
    expect(other.requests).toEqual([]);
    expect(url).toContain("moved/here");
    await other.close();
  });

  it("reaches no service of this machine for a remote that only the sandbox named", async () => {
    const inner = await startGitServer();
    const { url } = await inner.addRepository("inner", { files: { f: "1" } });
    await shell(`git init -q sly && git -C sly remote add origin ${url}`);
    await expect(sandbox.git.pull("sly")).rejects.toMatchObject({
      name: "DaytonaGitTransportFailedError",
      message: expect.stringContaining("private network"),
    });
    expect(inner.requests).toEqual([]);
    await inner.close();
  });

  it("ends when its client disconnects, and the half-made clone is removed", async () => {
    const { url } = await host.addRepository("slow", { files: { f: "1" } });
    const held = holdRequests("/slow.git/git-upload-pack");
    const gone = new AbortController();
    const asked = fetch(`${fixture.server.apiUrl.replace(/\/api$/, "")}/toolbox/${sandbox.id}/git/clone`, {
      method: "POST",
      headers: { authorization: "Bearer x", "content-type": "application/json" },
      body: JSON.stringify({ url, path: "slow" }),
      signal: gone.signal,
    });
    await held.reached;
    gone.abort();
    await expect(asked).rejects.toThrow();
    await eventually(async () => (await shell("ls -d slow; pgrep -f 'clone.*slow'")).includes("No such file"));
    held.release();
  });

  it("reports a host that breaks the connection as a transport failure, and a killed git as killed", async () => {
    const { url } = await host.addRepository("broken", { files: { f: "1" } });
    host.intercept = (request, response) => {
      if (request.method !== "POST") return false;
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-result" });
      response.write("00", () => response.destroy());
      return true;
    };
    await expect(sandbox.git.clone(url, "broken")).rejects.toMatchObject({ name: "DaytonaGitTransportFailedError" });
    const held = holdRequests("/broken.git/git-upload-pack");
    const killed = expect(sandbox.git.clone(url, "killed")).rejects.toMatchObject({ statusCode: 500 });
    await held.reached;
    await shell("pkill -9 -x git");
    await killed;
    held.release();
  });

  it("ends where a host lists branches without end, which git would hold in memory", async () => {
    host.intercept = (_request, response) => {
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
      const piece = Buffer.alloc(1024 * 1024, "x");
      const fill = (): void => {
        while (!response.destroyed && response.write(piece));
        response.once("drain", fill);
      };
      fill();
      return true;
    };
    const cloning = sandbox.git.clone(`${host.origin}/endless.git`, "endless");
    await expect(cloning).rejects.toMatchObject({ statusCode: 502, message: expect.stringContaining("without end") });
    host.intercept = undefined;
  });

  it("serves git in a command, which asks for the password as it does with a network, and reaches nothing private", async () => {
    const { url } = await host.addRepository("closed", { files: { f: "1" }, credentials: ann });
    expect(await shell(`git clone ${url} closed 2>&1`)).toContain("private network");
    const open = await startFixture({ privateUrlsAllowed: true });
    const box = await open.client.create();
    const run = async (command: string) => (await box.process.executeCommand(command, undefined, undefined, 60)).result;
    expect(await run(`GIT_TERMINAL_PROMPT=0 git clone ${url} closed 2>&1`)).toMatch(/could not read Username for '.*'/);
    await run(
      `printf '#!/bin/sh\necho "$1" >> ~/asked; case $1 in User*) echo ann;; *) cat <&7;; esac' > ask; chmod +x ask`,
    );
    const ask = (password: string) => `echo '${password}' | GIT_ASKPASS=~/ask git clone ${url} closed 7<&0 2>&1`;
    expect(await run(ask("wrong"))).toContain(`Authentication failed for '${url}/'`);
    expect(await run(`${ask(ann.password)}; cat closed/f; git -C closed remote -v; tail -2 ~/asked`)).toMatch(
      new RegExp(`1origin\t${url} \\(fetch\\)[^]*\nUsername for '${host.origin}': \nPassword for 'http://ann@`),
    );
    const other = "git -C closed -c credential.helper='!printf \"username=x\\npassword=y\\n\"' push origin HEAD:x 2>&1";
    expect(await run(other)).toContain("Authentication failed");
    await open.dispose();
  });
});

/** Holds requests for a path until they are released. */
function holdRequests(path: string): { reached: Promise<void>; release(): void } {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    host.intercept = async (request) => {
      if (!request.url?.startsWith(path)) return false;
      resolve();
      await released;
      return false;
    };
  });
  return {
    reached,
    release: () => {
      host.intercept = undefined;
      release();
    },
  };
}

describe("git without isolation", () => {
  let plain: Fixture;
  beforeAll(async () => {
    plain = await startFixture({ isolation: "none" });
  });
  afterAll(() => plain.dispose());

  it("works in the sandbox's folders only", async () => {
    const box = await plain.client.create();
    const repository = await host.addRepository("plainly", { files: { f: "1" }, credentials: ann });
    await box.git.clone(repository.url, "/home/daytona/here", undefined, undefined, ann.username, ann.password);
    await box.fs.uploadFile(Buffer.from("2"), "here/f");
    await box.git.add("here", ["f"]);
    const { sha } = await box.git.commit("here", "two", "Ann", "ann@example.com");
    await box.git.push("here", ann.username, ann.password);
    expect((await repository.git("rev-parse", "main")).trim()).toBe(sha);
    await expect(box.git.clone(repository.url, "/var/tmp/elsewhere")).rejects.toMatchObject({ statusCode: 403 });
    await expect(box.git.status("/home/daytona")).rejects.toMatchObject({ name: "DaytonaGitRepoNotFoundError" });
  });

  it("reports a machine that lacks git", async () => {
    const path = process.env.PATH;
    try {
      process.env.PATH = "/nowhere";
      const box = await plain.client.create();
      await expect(box.git.status(".")).rejects.toMatchObject({
        statusCode: 501,
        message: expect.stringContaining("git is not installed"),
      });
    } finally {
      process.env.PATH = path;
    }
  });
});
