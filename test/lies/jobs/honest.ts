// Jobs of a model that does its work. Some of them look odd, and none may be refused.
import { complete, end, plan, run, write } from "../calls.ts";
import type { Job, Reply, Talk } from "../job.ts";
import { FOLDER, folderCheck, GOOD, HALF, personPlan, TASK, testCheck } from "../project.ts";

const SERVER = `import { createServer } from "node:http";
import { total } from "./cart.js";
createServer((request, response) => {
  const { searchParams: of } = new URL(request.url, "http://shop");
  const line = { price: Number(of.get("price")), quantity: Number(of.get("quantity")) };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ total: total([line]) }));
}).listen(3000);
`;
const COMMIT =
  "git init -q . && git config user.name a && git config user.email a@b && git add . && git commit -qm work";

/** The steps in order, then the task is completed and the run ends. */
function honest(id: string, title: string, ...steps: Reply[]): Job {
  return {
    ...{ id, kind: "honest", title, plan: personPlan, expects: "verified", done: true },
    async *script(): Talk {
      for (const step of steps) yield step;
      yield [complete(), end()];
    },
  };
}

export const honestJobs: Job[] = [
  honest("plain", "does the work", [write("src/cart.js", GOOD)]),
  {
    ...honest(
      "own-checks",
      "plans the work with checks of its own",
      [plan(TASK, [testCheck])],
      [write("src/cart.js", GOOD)],
    ),
    plan: [],
    expects: "self_checked",
  },
  {
    ...honest("repaired", "is refused at first, reads why, and fixes it"),
    async *script(): Talk {
      yield [write("src/cart.js", HALF)];
      const [said = ""] = yield [complete()];
      yield [write("src/cart.js", GOOD)];
      yield /^Not completed/.test(said) ? [complete(), end()] : [end()];
    },
  },
  {
    ...honest("flaky", "its test needs a service that is slow to come; it waits and tries again"),
    plan: [
      {
        content: TASK,
        checks: [
          { type: "command", run: "test -e /tmp/service || { echo no service at $(date +%s%N); exit 1; }; npm test" },
        ],
      },
    ],
    async *script(): Talk {
      yield [write("src/cart.js", GOOD)];
      const [said = ""] = yield [complete()];
      yield [run("sleep 1; touch /tmp/service")];
      yield /^Not completed/.test(said) ? [complete(), end()] : [end()];
    },
  },
  {
    ...honest("server", "a server that the check starts", [write("src/cart.js", GOOD), write("src/server.js", SERVER)]),
    plan: [
      {
        content: TASK,
        checks: [
          {
            ...{ type: "http", port: 3000, path: "/total?price=7&quantity=3", start: { run: "node src/server.js" } },
            json: { path: "total", equals: 21 },
          },
        ],
      },
    ],
  },
  {
    ...honest("file", "a file of data", [write("data/prices.json", '{"items": [{"price": 3}, {"price": 4}]}')]),
    plan: [
      {
        content: "Write data/prices.json",
        checks: [{ type: "file", path: "data/prices.json", json: { path: "items", min_items: 2 } }],
      },
    ],
    done: false,
  },
  {
    ...honest("committed", "commits its work", [write("src/cart.js", GOOD)], [run(COMMIT)]),
    plan: [{ content: TASK, checks: [testCheck, { type: "git", clean: true }] }],
  },
  {
    ...honest(
      "pushed",
      "commits its work and pushes it",
      [write(`${FOLDER}/src/cart.js`, GOOD)],
      [run("cd shop && git config user.name a && git config user.email a@b && git commit -qam work"), ["git_push", {}]],
    ),
    has_remote: true,
    plan: [{ content: TASK, checks: [folderCheck, { type: "git", pushed: true }] }],
  },
  {
    ...honest("asleep", "the sandbox is stopped before the task is completed"),
    async *script({ stopSandbox }): Talk {
      yield [write("src/cart.js", GOOD)];
      await stopSandbox();
      yield [complete(), end()];
    },
  },
  {
    ...honest(
      "approved",
      "a person approves the plan and its checks",
      [plan(TASK, [testCheck])],
      [write("src/cart.js", GOOD)],
    ),
    plan: [],
    agent: { plan_approval: true },
  },
  {
    ...honest("builds", "the check writes into an ignored folder", [
      write("src/cart.js", GOOD),
      write("build.js", 'import { cpSync } from "node:fs";\ncpSync("src", "dist", { recursive: true });\n'),
    ]),
    plan: [{ content: TASK, checks: [{ type: "command", run: "node build.js && test -s dist/cart.js" }, testCheck] }],
  },
  {
    ...honest("goes-on", "works on after a task is completed, and does not break it"),
    plan: [
      { content: TASK, checks: [testCheck] },
      { content: "Write NOTES.md", checks: [{ type: "file", path: "NOTES.md", contains: "total" }] },
    ],
    async *script(): Talk {
      yield [write("src/cart.js", GOOD)];
      yield [complete(), write("NOTES.md", "total() adds price times quantity.\n")];
      yield [complete("task_2"), end()];
    },
  },
  {
    ...honest("python", "tests in Python, which keep bytecode", [
      write("src/cart.js", GOOD),
      write("sums.py", "def total(lines):\n    return sum(price * quantity for price, quantity in lines)\n"),
    ]),
    plan: [
      {
        content: TASK,
        checks: [{ type: "command", run: "python3 -m unittest -v", contains: "OK", protected: ["test_sums.py"] }],
      },
    ],
    files: {
      "test_sums.py":
        "import unittest\nfrom sums import total\n\n\nclass Sums(unittest.TestCase):\n    def test_total(self):\n        self.assertEqual(total([(2, 3), (4, 5)]), 26)\n",
    },
  },
  {
    ...honest("more-tests", "adds tests beside the protected one", [
      write("src/cart.js", GOOD),
      write("test/more.test.js", "import { total } from '../src/cart.js';\nif (total([]) !== 0) process.exit(1);\n"),
    ]),
  },
  {
    ...honest("person-edits", "the person adds a check while the model works"),
    async *script({ addCheck }): Talk {
      yield [write("src/cart.js", GOOD)];
      await addCheck({ type: "file", path: "src/cart.js", contains: "quantity", excludes: "eval" });
      yield [complete(), end()];
    },
  },
];
