// Random histories: what two people do to two clones of one repository, done with our git tools in one world and with
// plain git in another. Both end equal.
import fc from "fast-check";
import { expect } from "vitest";
import { describeClone, describeRemote, signal, type World } from "./git-walks.ts";

type Step = { who: 0 | 1 } & (
  | { do: "write" | "stage"; file: string; text: string }
  | { do: "remove"; file: string }
  | { do: "commit" | "push" | "pull" | "abort" }
  | { do: "create" | "checkout"; branch: string }
);

const who = fc.constantFrom<0 | 1>(0, 1);
const file = fc.constantFrom("f1", "f2", "f3");
const branch = fc.constantFrom("main", "dev", "side");
const text = fc.constantFrom("one\n", "two\n", "three\nlines\nof text\n");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ who, do: fc.constantFrom("write" as const, "stage" as const), file, text }) },
  { weight: 1, arbitrary: fc.record({ who, do: fc.constant("remove" as const), file }) },
  {
    weight: 8,
    arbitrary: fc.record({ who, do: fc.constantFrom("commit" as const, "push" as const, "pull" as const) }),
  },
  { weight: 1, arbitrary: fc.record({ who, do: fc.constant("abort" as const) }) },
  { weight: 2, arbitrary: fc.record({ who, do: fc.constantFrom("create" as const, "checkout" as const), branch }) },
);
const history = fc.array(step, { minLength: 6, maxLength: 14 });

export async function walkHistories(world: World, runs: number): Promise<void> {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      count += 1;
      const [ours, plain] = await Promise.all([prepare(world, `ours-${count}`), prepare(world, `plain-${count}`)]);
      for (const [at, one] of steps.entries()) {
        const [did, should] = await Promise.all([
          work(world, one, `ours-${count}-${one.who}`, at),
          workPlainly(world, one, `plain-${count}-${one.who}`, at),
        ]);
        expect(did, `step ${at}: ${JSON.stringify(one)}`).toBe(should);
      }
      for (const who of [0, 1]) {
        const [made, wanted] = await Promise.all([
          describeClone(world, `ours-${count}-${who}`),
          describeClone(world, `plain-${count}-${who}`),
        ]);
        expect(made).toBe(wanted);
      }
      expect(await describeRemote(ours)).toBe(await describeRemote(plain));
    }),
    { numRuns: runs, endOnFailure: true, ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
  );
}

const FILES = { f1: "1\n", f2: "1\n2\n3\n4\n5\n" };
const PERSON =
  "export GIT_AUTHOR_NAME=Taskloom GIT_AUTHOR_EMAIL=taskloom@localhost GIT_COMMITTER_NAME=Taskloom GIT_COMMITTER_EMAIL=taskloom@localhost";

async function prepare(world: World, name: string) {
  const repository = await world.host.addRepository(name, { files: FILES, branches: { dev: { f3: "dev\n" } } });
  const clone = (who: number) =>
    name.startsWith("ours")
      ? world.place.git.clone({ url: repository.url, path: `${name}-${who}`, branches: [] }, signal)
      : world.run(`git clone -q ${repository.url} ${name}-${who}`);
  await Promise.all([clone(0), clone(1)]);
  return repository;
}

async function work(world: World, step: Step, folder: string, at: number): Promise<boolean> {
  const { git } = world.place;
  const done = (work: Promise<unknown>) =>
    work.then(
      (value) => value !== null,
      () => false,
    );
  switch (step.do) {
    case "commit":
      return done(git.commit(folder, { message: `commit ${at}`, files: null, author: null, email: null }, signal));
    case "push":
      return done(git.push(folder, null, signal));
    case "pull":
      return done(git.pull(folder, null, signal));
    case "create":
      return done(git.createBranch(folder, step.branch, signal));
    case "checkout":
      return done(git.checkoutBranch(folder, step.branch, signal));
    default:
      return workPlainly(world, step, folder, at);
  }
}

function workPlainly({ tries }: World, step: Step, folder: string, at: number): Promise<boolean> {
  switch (step.do) {
    case "write":
      return tries(`printf '${step.text}' > ${step.file}`, folder);
    case "stage":
      return tries(`printf '${step.text}' > ${step.file} && git add ${step.file}`, folder);
    case "remove":
      return tries(`rm ${step.file}`, folder);
    case "abort":
      return tries("git merge --abort", folder);
    case "commit":
      // Ours takes no conflict for resolved that nobody looked at.
      return tries(`${PERSON}; [ -z "$(git ls-files -u)" ] && git add -A && git commit -qm 'commit ${at}'`, folder);
    case "push":
      return tries("b=$(git branch --show-current); git push -q -u origin $b:$b", folder);
    case "pull":
      return tries(
        `${PERSON}; b=$(git branch --show-current); git fetch -q && git pull -q --no-rebase --no-edit origin $b`,
        folder,
      );
    case "create":
      return tries(`git checkout -q -b ${step.branch}`, folder);
    case "checkout":
      return tries(`git checkout -q ${step.branch} --`, folder);
  }
}
