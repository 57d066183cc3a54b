// Git of the sandbox port over TCP, against a git host on loopback: what each failure reports, and where a password
// goes.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, SandboxError } from "../../src/agent/sandbox.ts";
import type { GitLogin } from "../../src/protocol/git-credential.ts";
import type { GitSource } from "../../src/protocol/project.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { apiKey, eventually, type Fixture, startFixture } from "./daytona-fixture.ts";
import { type GitServer, spellBasic, startGitServer } from "./git-server.ts";

const PASSWORD = "canary-51c7 pass/word";
const ann: GitLogin = { username: "ann", password: PASSWORD };
const { signal } = new AbortController();

let fixture: Fixture;
let host: GitServer;
let login: GitLogin | null = null;
let source: GitSource | null = null;
let count = 0;

beforeAll(async () => {
  [fixture, host] = await Promise.all([startFixture({ apiKey, privateUrlsAllowed: true }), startGitServer()]);
});

afterAll(async () => {
  await fixture.dispose();
  await host.close();
});

interface Life {
  sandbox: Sandbox;
  states: string[];
}

/** One life's access to a sandbox; calls of `findLogin` are recorded beside it. */
function open(name: string, asked: string[] = []): Life {
  const states: string[] = [];
  const sandbox = createDaytonaSandbox({
    api_key: apiKey,
    api_url: fixture.server.apiUrl,
    target: "local",
    snapshot: null,
    name,
    labels: {},
    onState: (state, message) => states.push(`${state}: ${message}`),
    git: {
      access: {
        findLogin: async (url) => {
          asked.push(url);
          return login;
        },
      },
      source,
    },
  });
  return { sandbox, states };
}

async function run(sandbox: Sandbox, command: string): Promise<string> {
  const request = { command_id: `call_${++count}`, command, wait_ms: 20_000 };
  return (await sandbox.runCommand(request, () => {}, signal)).output;
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SandboxError);
  expect((error as Error).message).not.toContain(PASSWORD);
  return `${(error as SandboxError).code}: ${(error as Error).message}`;
}

describe("git of a sandbox", () => {
  let sandbox: Sandbox;
  const asked: string[] = [];
  const cloneOf = (url: string, path: string, branches: string[] = []) =>
    sandbox.git.clone({ url, path, branches }, signal);

  beforeAll(() => {
    sandbox = open("git-port", asked).sandbox;
  });

  it("clones, commits, pushes and pulls with the host's credential, which leaves no trace", async () => {
    login = ann;
    const repository = await host.addRepository("team/shop", { files: { a: "1\n" }, credentials: ann });
    expect(await sandbox.git.clone({ url: repository.url, path: "shop", branches: [] }, signal)).toEqual({
      path: "shop",
      branch: "main",
    });
    await run(sandbox, "echo 2 > shop/a; mkdir shop/b; echo new > shop/b/c; echo x > shop/left");
    expect((await sandbox.git.status(null, signal)).changes.map(({ path }) => path)).toEqual(["a", "b/c", "left"]);
    const request = { message: "two\n\nlines", files: ["shop/a", "b"], author: null, email: null };
    const made = await sandbox.git.commit("shop/b", request, signal);
    expect(made).toMatchObject({ path: "shop", branch: "main", hash: expect.stringMatching(/^[0-9a-f]{40}$/) });
    expect(await sandbox.git.status("shop", signal)).toMatchObject({ ahead: 1, changes: [{ path: "left" }] });
    await sandbox.git.push("shop", null, signal);
    expect(await repository.read("main", "b/c")).toBe("new\n");
    expect(await repository.git("log", "-1", "--format=%an <%ae> %B", "main")).toContain(
      "Taskloom <taskloom@localhost> two\n\nlines",
    );
    await repository.commit("main", { d: "theirs\n" });
    await sandbox.git.pull(".", "main", signal);
    expect(await run(sandbox, "cat shop/d")).toBe("theirs\n");
    // Already up to date, both ways: no failure.
    await sandbox.git.pull("shop", null, signal);
    await sandbox.git.push("shop", null, signal);
    const sent = host.requests.filter(({ path }) => path.startsWith("/team/shop"));
    expect(sent.map(({ authorization }) => authorization)).toContain(spellBasic(ann.username, ann.password));
    const traces = await run(
      sandbox,
      `grep -rIl -e canary-51c[7] "$HOME" /tmp /var/tmp 2>/dev/null; env | grep canary-51c[7]; echo end`,
    );
    expect(traces).toBe("end\n");
    expect(new Set(asked)).toEqual(new Set([repository.url]));
  });

  it("creates, checks out, lists and deletes branches, and pushes a new one", async () => {
    login = null;
    const repository = await host.addRepository("branches", { files: { a: "1" }, branches: { dev: { b: "2" } } });
    await cloneOf(repository.url, "branches", ["dev/src", "dev"]);
    await sandbox.git.createBranch("branches", "fix/one", signal);
    expect(await sandbox.git.checkoutBranch("branches", "fix/one", signal)).toMatchObject({ branch: "fix/one" });
    await run(sandbox, "echo 3 > branches/c");
    await sandbox.git.commit("branches", { message: "three", files: null, author: "Ada", email: "a@b.c" }, signal);
    await sandbox.git.push("branches", "fix/one", signal);
    expect(await repository.read("fix/one", "c")).toBe("3\n");
    const listed = await sandbox.git.listBranches("branches", signal);
    expect(listed).toMatchObject({ branch: "fix/one", branches: expect.arrayContaining(["dev", "fix/one"]) });
    expect(await failureOf(sandbox.git.deleteBranch("branches", "fix/one", signal))).toMatch(/checked out/);
    expect(await failureOf(sandbox.git.push("branches", "dev", signal))).toMatch(/fix\/one is checked out.*not dev/);
    await sandbox.git.checkoutBranch("branches", "dev", signal);
    await sandbox.git.deleteBranch("branches", "fix/one", signal);
    expect(await failureOf(sandbox.git.createBranch("branches", "dev", signal))).toMatch(/^invalid: .*exists already/);
    expect(await failureOf(sandbox.git.checkoutBranch("branches", "no", signal))).toMatch(
      /^not_found: .*branch no does/,
    );
    expect(await failureOf(sandbox.git.createBranch("branches", "-f", signal))).toMatch(/can't be the name/);
  });

  it("reports the cause of each failed clone", async () => {
    const shut = await host.addRepository("shut", { files: { a: "1" }, credentials: ann });
    const openTo = await host.addRepository("open", { files: { a: "1" } });
    const empty = await host.addRepository("empty");
    login = null;
    expect(await failureOf(cloneOf(shut.url, "c1"))).toMatch(/^refused: .*no credential is stored for it/);
    expect(await failureOf(cloneOf(`${host.origin}/none.git`, "c2"))).toMatch(/^not_found: .*no repository at this/);
    expect(await failureOf(cloneOf(openTo.url, "c3", ["nope"]))).toMatch(/^not_found: .*branch nope does not exist/);
    expect(await failureOf(cloneOf("http://127.0.0.1:1/a.git", "c4"))).toMatch(/^failed: .*could not be reached/);
    login = { username: "ann", password: "wrong password" };
    expect(await failureOf(cloneOf(shut.url, "c5"))).toMatch(/^refused: .*refuses the credential/);
    await run(sandbox, "mkdir c6; echo mine > c6/a");
    expect(await failureOf(cloneOf(openTo.url, "c6"))).toMatch(/^invalid: There is something in c6 already/);
    expect(await run(sandbox, "cat c6/a")).toBe("mine\n");
    await cloneOf(empty.url, "c7").catch((error: Error) => expect(error.message).toMatch(/is empty/));
  });

  it("says what to do about conflicts, and where there is no repository", async () => {
    login = null;
    const repository = await host.addRepository("both", { files: { a: "1\n" } });
    await cloneOf(repository.url, "both");
    await repository.commit("main", { a: "theirs\n" });
    await run(sandbox, "echo mine > both/a");
    expect(await failureOf(sandbox.git.pull("both", null, signal))).toMatch(/^invalid: .*git_commit/);
    await sandbox.git.commit("both", { message: "mine", files: null, author: null, email: null }, signal);
    expect(await failureOf(sandbox.git.push("both", null, signal))).toMatch(/^invalid: .*git_pull/);
    expect(await failureOf(sandbox.git.pull("both", null, signal))).toMatch(/^invalid: .*(resolve|same lines)/);
    await run(sandbox, "mkdir -p plain");
    expect(await failureOf(sandbox.git.status("plain", signal))).toMatch(/^not_found: plain is in no git repository/);
    expect(await failureOf(sandbox.git.status("nowhere", signal))).toMatch(/^not_found: nowhere does not exist/);
    expect(await failureOf(sandbox.git.status(null, signal))).toMatch(/Give the path of one: .*both/);
    expect(await failureOf(sandbox.git.status("../..", signal))).toMatch(/leads out of the work dir/);
  });

  it("gives the password of a host to no other that settings in the sandbox name", async () => {
    login = ann;
    const repository = await host.addRepository("guarded", { files: { a: "1" }, credentials: ann });
    await cloneOf(repository.url, "guarded");
    await run(sandbox, "cd guarded && git config http.proxy http://127.0.0.1:9");
    await run(sandbox, "git config --global http.proxy http://127.0.0.1:9");
    await sandbox.git.push("guarded", null, signal);
    await cloneOf(repository.url, "guarded-2");
    await run(sandbox, "rm ~/.gitconfig; git -C guarded remote set-url --add origin http://127.0.0.1:9/x");
    expect(await failureOf(sandbox.git.push("guarded", null, signal))).toMatch(/^invalid: .*several addresses/);
    // An address that the sandbox chose is another host, with another credential or none.
    await run(sandbox, "git -C guarded remote set-url --delete origin :9/x");
    for (const setting of [
      `url.http://127.0.0.1:9/.insteadOf ${host.origin}/`,
      "remote.origin.url http://127.0.0.1:9/guarded.git",
    ]) {
      await run(sandbox, `git -C guarded config ${setting}`);
      login = null;
      await failureOf(sandbox.git.push("guarded", null, signal));
      expect(asked.at(-1)).toBe("http://127.0.0.1:9/guarded.git");
    }
  });
});

describe("a project's repository", () => {
  const settle = async (life: Life) => {
    await run(life.sandbox, "true");
    return life.sandbox.readRepositoryNotice?.() ?? null;
  };

  it("is cloned once when two threads come at once, and both are notified of its place", async () => {
    login = ann;
    const repository = await host.addRepository("p/once", {
      branches: { dev: { b: "2\n" } },
      files: { a: "1" },
      credentials: ann,
    });
    source = { url: repository.url, branch: "dev" };
    const [first, second] = [open("project-once"), open("project-once")];
    const before = host.requests.length;
    // The first request waits until both have arrived.
    const isCloning = ({ states }: Life) => states.some((text) => text.startsWith("started: Cloning"));
    host.intercept = async () => {
      await eventually(async () => isCloning(first) && isCloning(second));
      return false;
    };
    const news = await Promise.all([settle(first), settle(second)]);
    host.intercept = undefined;
    const line = `The project's repository ${repository.url} is in the folder once (branch dev).`;
    expect(news).toEqual([line, line]);
    const packs = host.requests.slice(before).filter(({ path }) => path.endsWith("/git-upload-pack"));
    const later = open("project-once");
    expect(await settle(later)).toBe(line);
    expect([...first.states, ...second.states].filter((text) => text.includes("Cloned "))).toHaveLength(1);
    // A clone may request its pack in two requests; a second clone would double the count.
    expect(packs.length).toBeLessThanOrEqual(2);
    expect(host.requests.slice(before).filter(({ path }) => path.endsWith("/git-upload-pack"))).toHaveLength(
      packs.length,
    );
    expect(first.states.concat(second.states)).toContain(`started: Cloning ${repository.url} into once …`);
    expect(later.states.filter((text) => text.includes("Clon"))).toEqual([]);
    expect(await run(first.sandbox, "cat once/b; ls -A . /tmp/.taskloom | grep clone-")).toBe("2\n");
    expect((await later.sandbox.git.status(null, signal)).path).toBe("once");
  });

  it("is cloned again in another sandbox", async () => {
    login = null;
    const repository = await host.addRepository("again", { files: { a: "1" } });
    source = { url: repository.url, path: "src/app" };
    const life = open("project-again");
    expect(await settle(life)).toContain("in the folder src/app (branch main)");
    await (await fixture.client.get("project-again")).delete(60, true);
    expect(await run(life.sandbox, "ls src/app")).toBe("a\n");
    expect(life.states.filter((text) => text.includes("Cloned "))).toHaveLength(2);
  });

  it.each([
    ["private without a credential", null, {}, /no credential is stored for it/],
    ["private with a wrong password", { username: "ann", password: "nonsense!" }, {}, /refuses the credential/],
    ["without the branch", ann, { branch: "nope" }, /branch nope does not exist/],
    ["in a folder that is the work dir", ann, { path: "." }, /work dir itself/],
    ["in a folder outside", ann, { path: "../../etc" }, /leads out of the work dir/],
    ["somewhere that can't be reached", ann, { url: "http://127.0.0.1:1/a.git" }, /could not be reached/],
  ])("leaves the sandbox usable where it is %s, and says why", async (name, given, changes, reason) => {
    const path = name.replaceAll(/\W+/g, "-");
    const repository = await host.addRepository(path, { files: { a: "1" }, credentials: ann });
    login = given;
    source = { url: repository.url, ...changes };
    const life = open("project-fails");
    const news = await settle(life);
    expect(news).toMatch(reason);
    expect(news).not.toContain(PASSWORD);
    expect(life.states.at(-1)).toMatch(/could not be cloned/);
    expect(await run(life.sandbox, "ls -A . /tmp/.taskloom | grep -e taskloom-clone -e clone-; echo usable")).toBe(
      "usable\n",
    );
  });

  it("does not touch existing files in its place", async () => {
    login = null;
    source = null;
    const life = open("project-way");
    await run(
      life.sandbox,
      "mkdir shop && echo mine > shop/a && git init -q other && cd other && git remote add origin http://x.example/o",
    );
    const [shop, other] = [
      await host.addRepository("q/shop", { files: { a: "1" } }),
      await host.addRepository("q/other"),
    ];
    source = { url: shop.url };
    expect(await settle(open("project-way"))).toMatch(/folder shop is there already and holds other files/);
    source = { url: other.url };
    expect(await settle(open("project-way"))).toMatch(/folder other holds another repository/);
    expect(await run(life.sandbox, "cat shop/a")).toBe("mine\n");
    source = null;
  });

  it("that is empty is there, and reported as empty", async () => {
    login = null;
    const repository = await host.addRepository("hollow");
    source = { url: repository.url };
    expect(await settle(open("project-way"))).toMatch(/in the folder hollow \(branch main\)\. It is empty/);
    source = null;
  });

  it("left half cloned by somebody is taken over", async () => {
    login = null;
    source = null;
    const first = open("project-stale");
    const repository = await host.addRepository("stale", { files: { a: "1" } });
    await run(
      first.sandbox,
      'at="$PWD/stale"; c="/tmp/.taskloom/clone-$(printf %s "$at" | cksum | tr -d " ")"; mkdir -p "$c" .taskloom-clone-x; touch -d "2 minutes ago" "$c"',
    );
    source = { url: repository.url };
    expect(await settle(open("project-stale"))).toContain("in the folder stale (branch main)");
    expect(await run(first.sandbox, "ls -A . /tmp/.taskloom | grep clone-")).toBe("");
    // Where the claim was lost with /tmp, a half-made clone is left alone.
    await run(first.sandbox, "rm -rf stale; mkdir .taskloom-clone-y");
    expect(await settle(open("project-stale"))).toContain("in the folder stale (branch main)");
    expect(await run(first.sandbox, "ls -A . | grep clone-")).toBe("");
    source = null;
  });
});
