// The contract for trees, by which checks tell what has changed, with real files and git.
import { expect, it } from "vitest";
import { place } from "./checks.ts";
import { failureOf, run, untilEnd, writeText } from "./fixture.ts";

const readHash = async () => (await place().readTree(untilEnd())).hash;

export function describeCheckTrees(): void {
  it("are equal for equal files, and differ by a name, a content, a permission or a link", async () => {
    await writeText("tree/a.txt", "one");
    const before = await readHash();
    expect(await readHash()).toBe(before);
    const hashes = new Set([before]);
    const steps = [
      "echo two > tree/a.txt",
      "mv tree/a.txt tree/b.txt",
      "chmod +x tree/b.txt",
      "ln -s b.txt tree/link",
      "ln -sfn a.txt tree/link",
      "echo x > tree/.hidden",
      "printf 1 > \"$(printf 'tree/odd\\nname')\"",
      "printf 2 > \"$(printf 'tree/odd\\nname')\"",
      "printf 1 > \"$(printf 'tree/\\377 \\\\ '\"'\"'$(x)')\"",
      "printf 2 > \"$(printf 'tree/\\377 \\\\ '\"'\"'$(x)')\"",
      "mkdir -p tree/nested/.git && echo nested > tree/nested/code.js",
      "git init -q tree/sub && echo sub > tree/sub/code.js",
      "cd tree/sub && git add . && git -c user.name=a -c user.email=b commit -qm c && echo other > code.js",
    ];
    for (const step of steps) {
      expect((await run(step)).output).toBe("");
      hashes.add(await readHash());
    }
    expect(hashes.size).toBe(steps.length + 1);
    await run("rm -rf tree; mkdir tree; printf one > tree/a.txt");
    expect(await readHash()).toBe(before);
  });

  it("do not count what a .gitignore ignores, and do count the .gitignore", async () => {
    await run("mkdir -p ign/dist; echo 'dist/\n*.log\n!keep.log' > ign/.gitignore");
    const before = await readHash();
    await run(
      "echo x > ign/dist/out.js; echo x > ign/a.log; mkdir -p ign/node_modules/p; echo x > ign/node_modules/p/i.js",
    );
    expect(await readHash()).toBe(before);
    await run("echo x > ign/keep.log");
    expect(await readHash()).not.toBe(before);
    await run("rm ign/keep.log; echo code.js >> ign/.gitignore");
    expect(await readHash()).not.toBe(before);
    await run("rm -rf ign");
  });

  it("count what the repository's own settings hide", async () => {
    await run(
      "rm -rf .git; git init -q . && echo one > hid.js && git add hid.js && git -c user.name=a -c user.email=b commit -qm c",
    );
    const seen = new Set([await readHash()]);
    const tricks = [
      "echo hid.js >> .git/info/exclude; echo 2 > hid.js",
      "git config core.excludesFile /tmp/none; echo hid.js > /tmp/none; echo 3 > hid.js",
      "git update-index --assume-unchanged hid.js; echo 4 > hid.js",
      "git update-index --skip-worktree hid.js; echo 5 > hid.js",
      "git config core.worktree /tmp; echo 6 > hid.js",
      "git config core.worktree $PWD; git config core.fsmonitor 'touch /tmp/ran-monitor'; echo 7 > hid.js",
      "printf '* filter=f diff=f\\n' > .git/info/attributes; git config filter.f.clean 'touch /tmp/ran-filter; cat'; echo 8 > hid.js",
      "mkdir -p out && mkdir -p /tmp/away && echo 1 > /tmp/away/code.js && ln -s /tmp/away out/src",
      "echo 2 > /tmp/away/code.js",
      "rm .git/index; echo 9 > hid.js",
      "echo garbage > .git/config; echo 10 > hid.js",
    ];
    for (const trick of tricks) {
      await run(trick);
      seen.add(await readHash());
    }
    expect(seen.size).toBe(tricks.length + 1);
    expect((await run("ls /tmp/ran-monitor /tmp/ran-filter 2>/dev/null")).output).toBe("");
    await run("rm -rf .git hid.js out /tmp/away");
  });

  it("count a file of the index although a .gitignore names it", async () => {
    await run("git init -q . && echo one > tracked.js && git add tracked.js && echo tracked.js > .gitignore");
    const before = await readHash();
    await run("echo two > tracked.js");
    expect(await readHash()).not.toBe(before);
    await run("rm -rf .git .gitignore tracked.js");
  });

  it("name what has changed since", async () => {
    await writeText("since/a.txt", "a");
    await writeText("since/b.txt", "b");
    const tree = await place().readTree(untilEnd());
    expect(await place().listChanges(tree, untilEnd())).toEqual([]);
    await run("cd since; echo x > a.txt; rm b.txt; chmod +x a.txt; echo x > 'c d'; ln -s a.txt l");
    expect(await place().listChanges(tree, untilEnd())).toEqual(["since/a.txt", "since/b.txt", "since/c d", "since/l"]);
    await run("cd since; for i in $(seq 1 50); do echo > n$i; done");
    expect(await place().listChanges(tree, untilEnd())).toHaveLength(20);
    const forged = { hash: "0".repeat(64), mark: "0".repeat(64) };
    expect((await failureOf(place().listChanges(forged, untilEnd()))).code).toBe("failed");
    await run(`for f in /var/tmp/.taskloom/*/trees/${tree.hash}; do : > "$f"; done`);
    expect((await failureOf(place().listChanges(tree, untilEnd()))).code).toBe("failed");
  });
}
