// Nothing that a sandbox holds decides where a stored password goes: neither settings of git, of the repository or of
// the person, nor variables of the sandbox. The thief is a host of git and a proxy that asks for a password.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openShellGit, type ShellGit } from "../fakes/shell-git.ts";
import { type GitServer, type Repository, startGitServer } from "./git-server.ts";

const { signal } = new AbortController();
const ann = { username: "ann", password: "canary-7e21 password" };
let base: string;
let host: GitServer;
let thief: Server;
let away: string;
/** What the thief saw: the folder of the trick, and the headers that hold a password. */
const seen: { url: string; secrets: string[] }[] = [];

beforeAll(async () => {
  [base, host] = await Promise.all([mkdtemp(join(tmpdir(), "taskloom-settings-")), startGitServer()]);
  thief = createServer(({ url = "", headers }, response) => {
    seen.push({
      url,
      secrets: [headers.authorization, headers["proxy-authorization"]].filter((one) => one !== undefined),
    });
    response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
  });
  await new Promise<void>((resolve) => thief.listen(0, "127.0.0.1", resolve));
  away = `http://127.0.0.1:${(thief.address() as AddressInfo).port}`;
});

afterAll(async () => {
  thief.closeAllConnections();
  await Promise.all([host.close(), new Promise((resolve) => thief.close(resolve))]);
  await rm(base, { recursive: true, force: true });
});

interface Trick {
  /** In the home, or in the clone. */
  command?: string;
  variables?: Record<string, string>;
}

interface Place extends ShellGit {
  repository: Repository;
  /** Of the thief, with the trick's name. */
  requests(): string[];
}

async function open(name: string, make: (home: string) => Trick): Promise<Place & { trick: Trick }> {
  const home = join(base, name);
  await mkdir(home);
  const repository = await host.addRepository(name, { files: { a: "1\n" }, credentials: ann });
  const trick = make(home);
  const login = (url: string) => (url.startsWith(host.origin) ? ann : null);
  const variables = { TMPDIR: home, ...trick.variables };
  const place = openShellGit({ home, login, variables });
  return {
    ...place,
    repository,
    trick,
    requests: () => seen.map(({ url }) => url).filter((url) => url.includes(name)),
  };
}

async function change({ git, run, repository }: Place): Promise<void> {
  await repository.commit("main", { b: "theirs\n" });
  await git.pull("work", null, signal);
  await run("echo mine > work/a");
  await git.commit("work", { message: "mine", files: null, author: null, email: null }, signal);
  await git.push("work", null, signal);
}

async function check({ run, repository, requests }: Place): Promise<void> {
  expect(await run("cat work/a work/b; git -C work status --porcelain --branch 2>&1; ls -A | grep ran")).toBe(
    "mine\ntheirs\n## main...origin/main\n",
  );
  expect(await repository.read("main", "a")).toBe("mine\n");
  expect(requests()).toEqual([]);
}

const global = (name: string, value: string) => `git config --global ${name} '${value}'`;

describe.concurrent("a clone, a pull and a push with a password", () => {
  const tricks: [name: string, make: (home: string) => Trick][] = [
    [
      "settings of the person",
      (home) => ({
        command: [
          ...["http.proxy", `http.${host.origin}/.proxy`, "remote.origin.proxy"].map((name) => global(name, away)),
          global(`url.${away}/.insteadOf`, `${host.origin}/`),
          `mkdir tpl; git config -f tpl/config http.proxy ${away}; ${global("init.templateDir", `${home}/tpl`)}`,
          "echo 'machine 127.0.0.1 login eve password wrong' > .netrc",
          global("core.askPass", `touch ${home}/ran`),
          global(`credential.${host.origin}.helper`, `!cat > ${home}/ran`),
        ].join("\n"),
      }),
    ],
    [
      "files beside those",
      (home) => ({
        command: `git config -f more http.proxy ${away}; ${global("include.path", `${home}/more`)}; mkdir -p .config/git; cp more .config/git/config`,
      }),
    ],
    [
      "variables of the sandbox",
      () => ({
        variables: {
          ...{ http_proxy: away, all_proxy: away, ALL_PROXY: away },
          ...{ GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "http.proxy", GIT_CONFIG_VALUE_0: away },
        },
      }),
    ],
    [
      "files that variables name",
      (home) => ({
        command: `git config -f more http.proxy ${away}`,
        variables: { GIT_CONFIG_GLOBAL: `${home}/more`, GIT_CONFIG_SYSTEM: `${home}/more`, GIT_CONFIG_NOSYSTEM: "0" },
      }),
    ],
  ];

  it.each(tricks)("go to its host alone, whatever these say: %s", async (name, make) => {
    const place = await open(name.replaceAll(" ", "-"), make);
    await place.run(place.trick.command ?? "true");
    await place.git.clone({ url: place.repository.url, path: "work", branches: [] }, signal);
    // A pull goes where this setting says, without the password.
    await place.run(`git config --global --remove-section url.${away}/ 2>/dev/null`);
    await change(place);
    await check(place);
  });
});

describe.concurrent("a pull and a push with a password", () => {
  const tricks: [name: string, make: (home: string) => string][] = [
    [
      "addresses",
      () => `git config http.proxy ${away}; git config http.${host.origin}.proxy ${away}; git config remote.origin.proxy ${away}
git config fetch.bundleURI ${away}/addresses; git config remote.x.promisor true; git config remote.x.url ${away}/addresses
git config -f ../more http.proxy ${away}; git config include.path ../../more
git config extensions.worktreeConfig true; git config --worktree http.proxy ${away}`,
    ],
    [
      "programs",
      (home) => `git config credential.helper '!cat > ${home}/ran'; git config core.askPass 'touch ${home}/ran'
git config core.sshCommand 'touch ${home}/ran'; git config core.gitProxy 'touch ${home}/ran'
git init -q --bare ../other; echo ${home}/other/objects > .git/objects/info/alternates
git config core.alternateRefsCommand 'touch ${home}/ran; true'; git config hook.x.command 'touch ${home}/ran'; git config hook.x.event pre-push
for hook in reference-transaction pre-push post-merge; do printf '#!/bin/sh\ntouch ${home}/ran' > .git/hooks/$hook; chmod +x .git/hooks/$hook; done`,
    ],
    ["helper", () => "git config remote.origin.vcs ext"],
  ];

  it.each(tricks)("go to its host alone, whatever the repository's own settings say: %s", async (name, make) => {
    const place = await open(name, () => ({}));
    await place.git.clone({ url: place.repository.url, path: "work", branches: [] }, signal);
    await place.run(`cd work && { ${make(join(base, name))}\n}`);
    await change(place);
    await check(place);
  });

  it("are without it where a setting of the repository sends them to another host", async () => {
    const place = await open("instead", () => ({}));
    await place.git.clone({ url: place.repository.url, path: "work", branches: [] }, signal);
    for (const setting of [`url.${away}/.insteadOf ${host.origin}/`, `remote.origin.pushurl ${away}/instead`]) {
      await place.run(`git -C work config ${setting}`);
      await expect(place.git.push("work", null, signal)).rejects.toMatchObject({
        code: "refused",
        message: expect.stringContaining("no credential is stored"),
      });
    }
    expect(place.requests().length).toBeGreaterThan(0);
  });
});

afterAll(() => {
  expect(seen.flatMap(({ secrets }) => secrets)).toEqual([]);
});
