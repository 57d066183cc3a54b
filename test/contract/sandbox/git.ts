/** Git in the sandbox, with remotes that are folders of the sandbox, so that no network is needed. */
import { DaytonaError } from "@daytonaio/sdk";
import { beforeAll, describe, expect, it } from "vitest";
import { failureOf, makeFolder, run, sandbox, statusOf } from "./place.ts";

const author = ["Ann Other", "ann@example.com"] as const;
/** The author of commits that commands make, in a sandbox without a configured name. */
const asAnn = "GIT_AUTHOR_NAME=Ann GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=Ann GIT_COMMITTER_EMAIL=a@b.c";

/** A bare repository with `main` (one file) and `side` (one more). */
async function makeRemote(): Promise<string> {
  const folder = `${await sandbox.getWorkDir()}/${await makeFolder()}`;
  await run(
    `set -e; cd ${folder}; export ${asAnn}; git init -q -b main seed; cd seed; echo first > a.txt; git add .; ` +
      `git commit -qm first; git checkout -qb side; echo side > side.txt; git add .; git commit -qm side; ` +
      `git checkout -q main; cd ..; git clone -q --bare seed remote.git`,
  );
  return `file://${folder}/remote.git`;
}

/** Of a branch by its name: 0.190 does not know the remote's branches after a clone of the default one. */
async function makeClone(url: string): Promise<string> {
  const path = `${await makeFolder()}/clone`;
  await sandbox.git.clone(url, path, "main");
  return path;
}

function fileStatus(path: string, name: string): Promise<{ staging: string; worktree: string } | undefined> {
  return sandbox.git.status(path).then(({ fileStatus }) => fileStatus.find((file) => file.name === name));
}

export function describeGit(): void {
  let url: string;
  beforeAll(async () => {
    url = await makeRemote();
  });

  describe("a clone", () => {
    it("has the files, the branch and a remote that is in step", async () => {
      const path = await makeClone(url);
      expect((await sandbox.fs.downloadFile(`${path}/a.txt`)).toString()).toBe("first\n");
      expect(await sandbox.git.status(path)).toMatchObject({
        currentBranch: "main",
        fileStatus: [],
        ahead: 0,
        behind: 0,
        branchPublished: true,
      });
    });

    it("may be of another branch, or at a commit", async () => {
      const folder = await makeFolder();
      await sandbox.git.clone(url, `${folder}/side`, "side");
      expect((await sandbox.git.status(`${folder}/side`)).currentBranch).toBe("side");
      const first = (await run(`git -C ${folder}/side rev-parse HEAD~1`)).trim();
      await sandbox.git.clone(url, `${folder}/commit`, "side", first);
      expect((await run(`git -C ${folder}/commit rev-parse HEAD`)).trim()).toBe(first);
      expect(await run(`ls ${folder}/commit`)).toBe("a.txt\n");
    });

    it("fails with a reason where there is no such repository, branch or room", async () => {
      const folder = await makeFolder();
      expect(await statusOf(sandbox.git.clone(`${url}/none`, `${folder}/a`))).toBe(404);
      expect(await statusOf(sandbox.git.clone(url, `${folder}/b`, "no-such-branch"))).toBe(404);
      const path = await makeClone(url);
      expect([400, 409]).toContain(await statusOf(sandbox.git.clone(url, path)));
    });
  });

  describe("a work tree", () => {
    it("reports the status of each file, before and after it was added", async () => {
      const path = await makeClone(url);
      await run(`cd ${path}; echo more >> a.txt; echo new > new.txt; echo '*.log' > .gitignore; echo x > x.log`);
      expect(await fileStatus(path, "a.txt")).toMatchObject({ worktree: "Modified" });
      expect(await fileStatus(path, "new.txt")).toMatchObject({ staging: "Untracked", worktree: "Untracked" });
      expect(await fileStatus(path, "x.log")).toBeUndefined();
      await sandbox.git.add(path, ["a.txt", "new.txt"]);
      expect(await fileStatus(path, "a.txt")).toMatchObject({ staging: "Modified", worktree: "Unmodified" });
      expect(await fileStatus(path, "new.txt")).toMatchObject({ staging: "Added" });
      await run(`rm ${path}/a.txt`);
      expect(await fileStatus(path, "a.txt")).toMatchObject({ worktree: "Deleted" });
    });

    it("is committed under the given name, and is then ahead of its remote", async () => {
      const path = await makeClone(url);
      await run(`echo more >> ${path}/a.txt`);
      await sandbox.git.add(path, ["."]);
      const { sha } = await sandbox.git.commit(path, "change: \"quotes\" & 'more'\n\nbody", ...author);
      expect(sha).toMatch(/^[0-9a-f]{40}$/);
      expect(await run(`git -C ${path} log -1 --format='%H|%an|%ae|%s'`)).toBe(
        `${sha}|Ann Other|ann@example.com|change: "quotes" & 'more'\n`,
      );
      expect(await sandbox.git.status(path)).toMatchObject({ fileStatus: [], ahead: 1, behind: 0 });
    });

    it("is committed without a change only when that is requested", async () => {
      const path = await makeClone(url);
      const { sha } = await sandbox.git.commit(path, "nothing", ...author, true);
      expect(sha).toMatch(/^[0-9a-f]{40}$/);
      // 0.190 says 500 for "clean working tree"; the interface knows 400 and 409.
      expect([400, 409, 500]).toContain(await statusOf(sandbox.git.commit(path, "nothing", ...author)));
    });
  });

  describe("branches", () => {
    it("are created, checked out, listed and deleted", async () => {
      const path = await makeClone(url);
      await sandbox.git.createBranch(path, "feature");
      expect((await sandbox.git.branches(path)).branches.sort()).toEqual(["feature", "main"]);
      await sandbox.git.checkoutBranch(path, "feature");
      expect(await sandbox.git.status(path)).toMatchObject({ currentBranch: "feature", branchPublished: false });
      await sandbox.git.checkoutBranch(path, "main");
      await sandbox.git.deleteBranch(path, "feature");
      expect((await sandbox.git.branches(path)).branches).toEqual(["main"]);
    });

    it("are refused when they exist already, or do not exist", async () => {
      const path = await makeClone(url);
      // go-git's error for it is none that 0.190 knows (apps/daemon/pkg/toolbox/git/errors.go).
      expect([409, 500]).toContain(await statusOf(sandbox.git.createBranch(path, "main")));
      expect([404, 500]).toContain(await statusOf(sandbox.git.checkoutBranch(path, "none")));
      // 0.190 removes a reference whether it is there or not (apps/daemon/pkg/git/branch.go).
      const deleted = sandbox.git.deleteBranch(path, "none").then(
        () => 204,
        (error: DaytonaError) => error.statusCode,
      );
      expect([204, 404, 500]).toContain(await deleted);
    });
  });

  describe("a folder without a repository", () => {
    it("is reported as such", async () => {
      const folder = await makeFolder();
      expect(await statusOf(sandbox.git.status(folder))).toBe(404);
      expect(await statusOf(sandbox.git.branches(folder))).toBe(404);
      expect(await statusOf(sandbox.git.status(`${folder}/none`))).toBe(404);
    });
  });

  describe("a push and a pull", () => {
    it("carry a change from one clone to another", async () => {
      const own = await makeRemote();
      const [one, other] = [await makeClone(own), await makeClone(own)];
      await run(`echo shared > ${one}/shared.txt`);
      await sandbox.git.add(one, ["shared.txt"]);
      await sandbox.git.commit(one, "share", ...author);
      await sandbox.git.push(one);
      expect((await sandbox.git.status(one)).ahead).toBe(0);
      await sandbox.git.pull(other);
      expect((await sandbox.fs.downloadFile(`${other}/shared.txt`)).toString()).toBe("shared\n");
    });

    it("are refused where histories have diverged", async () => {
      const own = await makeRemote();
      const [one, other] = [await makeClone(own), await makeClone(own)];
      for (const path of [one, other]) {
        await run(`echo ${path} > ${path}/a.txt`);
        await sandbox.git.add(path, ["a.txt"]);
        await sandbox.git.commit(path, path, ...author);
      }
      await sandbox.git.push(one);
      const error = await failureOf(sandbox.git.push(other));
      expect(error.statusCode).toBe(409);
      expect(await statusOf(sandbox.git.pull(other))).toBe(409);
      // 0.190 pulls only what needs no merge; newer ones report a merge conflict, which is then in the file.
      expect((await sandbox.fs.downloadFile(`${other}/a.txt`)).toString()).toContain(`${other}\n`);
    });

    it("are refused where there is no remote", async () => {
      const path = await makeFolder();
      await run(`git init -q ${path}; cd ${path}; ${asAnn} git commit -q --allow-empty -m first`);
      expect(await statusOf(sandbox.git.pull(path))).toBeGreaterThanOrEqual(400);
      const refused = await sandbox.git.push(path).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(DaytonaError);
    });
  });
}
