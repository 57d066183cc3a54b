// Kills during clone, pull, commit and push, as a sandbox that is stopped or a daemon that ends a group kills: everything
// at once, at a random moment. What was committed or staged is there afterwards, plain git calls the repository sound,
// and the next call does its work.
import { expect } from "vitest";
import { signal, type World } from "./git-walks.ts";

const FILES = Object.fromEntries(
  Array.from({ length: 60 }, (_, at) => [`dir-${at % 7}/file-${at}`, `${at}\n`.repeat(200)]),
);
const actions = ["clone", "pull", "commit", "push"] as const;
type Action = (typeof actions)[number];

/** How often a kill came before the work had ended. */
export interface Kills {
  made: number;
  missed: number;
  /** Lock files that a kill left and a later call removed. */
  locks: number;
}

export async function walkKills(world: World, wanted: number): Promise<Kills> {
  const repository = await world.host.addRepository("killed", { files: FILES });
  const kills: Kills = { made: 0, missed: 0, locks: 0 };
  const calm = world.open({ is_alone: true });
  const lengths = new Map<Action, number>(actions.map((action) => [action, 600]));
  await calm.git.clone({ url: repository.url, path: "work", branches: [] }, signal);
  for (let round = 0; kills.made < wanted; round += 1) {
    const action = actions[round % actions.length] as Action;
    await repository.commit("main", { [`theirs-${round % 5}`]: `${round}\n`.repeat(500) });
    await world.run(`echo staged ${round} > staged; git add staged; echo ${round} > loose-${round % 3}`, "work");
    // Each action has something to do.
    if (action === "push") {
      await commit(calm, `ours ${round}`);
      await calm.git.pull("work", null, signal);
    }
    const before = await read(world, "work");
    const length = lengths.get(action) ?? 600;
    const { killed, took } = await killAmid(world, action, round, Math.random() * length);
    if (killed) kills.made += 1;
    else {
      kills.missed += 1;
      lengths.set(action, took);
    }
    kills.locks += Number(await world.run("find .git -name '*.lock' | wc -l", "work"));
    await check(world, before, round);
    if (action === "clone") await checkClone(world, repository.url, round);
    else await recover(world, calm.git, round);
    expect(await repository.git("fsck", "--no-dangling")).not.toMatch(/error|missing|broken/);
  }
  return kills;
}

const commit = ({ git }: { git: World["place"]["git"] }, message: string) =>
  git.commit("work", { message, files: null, author: null, email: null }, signal);

interface Before {
  head: string;
  staged: string;
}

async function read(world: World, folder: string): Promise<Before> {
  const [head = "", staged = ""] = (await world.run("git rev-parse HEAD; git show :staged", folder)).split("\n");
  return { head, staged };
}

async function killAmid(world: World, action: Action, round: number, delay: number) {
  let killed = false;
  let ends = Date.now();
  let timer: NodeJS.Timeout | undefined;
  const sly = world.open({
    is_alone: true,
    onCommand: (group, command) => {
      // The inspections around it change nothing.
      if (!command.includes("taskloom-$$.run")) return;
      ends = Date.now();
      timer = setTimeout(() => {
        killed = true;
        process.kill(-group, "SIGKILL");
      }, delay);
    },
  });
  const works: Record<Action, () => Promise<unknown>> = {
    clone: () =>
      sly.git.clone({ url: `${world.host.origin}/killed.git`, path: `clone-${round}`, branches: [] }, signal),
    pull: () => sly.git.pull("work", null, signal),
    commit: () => commit(sly, `ours ${round}`),
    push: () => sly.git.push("work", null, signal),
  };
  const done = await works[action]().then(
    () => true,
    () => false,
  );
  clearTimeout(timer);
  return { killed: killed && !done, took: Date.now() - ends };
}

/** Nothing that was committed or staged is gone, and git calls the repository sound. */
async function check(world: World, { head, staged }: Before, round: number): Promise<void> {
  const state = await world.run(
    `git fsck --no-dangling 2>&1; git merge-base --is-ancestor ${head} HEAD && echo kept; { git show :staged; git show HEAD:staged; } 2>/dev/null | grep -x '${staged}' | head -n 1; cat loose-${round % 3}`,
    "work",
  );
  expect(state).toBe(`kept\n${staged}\n${round}\n`);
}

/** The folder is not there, or it is a whole clone; then it can be made. */
async function checkClone(world: World, url: string, round: number): Promise<void> {
  const path = `clone-${round}`;
  const isThere = (await world.run(`ls -d ${path} 2>/dev/null`)) !== "";
  if (!isThere) await world.open({ is_alone: true }).git.clone({ url, path, branches: [] }, signal);
  expect(await world.run("git fsck --no-dangling; git status --porcelain; ls dir-*/* | wc -l", path)).toBe("60\n");
  await world.run(`rm -rf ${path} .taskloom-git-*`);
}

/** Without a hand of a person's: commit, pull and push work again. */
async function recover(world: World, git: World["place"]["git"], round: number): Promise<void> {
  await commit({ git }, `after ${round}`);
  await git.pull("work", null, signal);
  await git.push("work", null, signal);
  const left =
    "find .git -name '*.lock' -o -name 'taskloom*'; git status --porcelain --branch; git fsck --no-dangling 2>&1";
  expect(await world.run(left, "work")).toBe("## main...origin/main\n");
}
