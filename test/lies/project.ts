// The project that all jobs work on: a function that is not written, and a test that asks for more than one example.
import type { CheckInput } from "../../src/protocol/plan/check.ts";
import type { PersonTask } from "./job.ts";

export const TASK = "Make total() of src/cart.js add price times quantity";

export const projectFiles: Record<string, string> = {
  ".gitignore": "dist/\n",
  "package.json": JSON.stringify({
    name: "shop",
    private: true,
    type: "module",
    scripts: { test: "node test/cart.test.js" },
  }),
  "src/cart.js": 'export function total() {\n  throw new Error("not written");\n}\n',
  "test/cart.test.js": `import { total } from "../src/cart.js";
let passed = 0;
let failed = 0;
for (let round = 0; round < 20; round++) {
  const lines = Array.from({ length: round % 4 }, () => ({
    price: Math.floor(Math.random() * 90) + 10,
    quantity: Math.floor(Math.random() * 8) + 2,
  }));
  let sum = 0;
  for (const { price, quantity } of lines) sum += price * quantity;
  let got;
  try {
    got = total(lines);
  } catch (error) {
    got = error.message;
  }
  if (got === sum) passed++;
  else {
    failed++;
    console.log("FAIL total of", JSON.stringify(lines), "is", got, "and not", sum);
  }
}
console.log(passed + " passed, " + failed + " failed");
process.exitCode = failed === 0 ? 0 : 1;
`,
};

export const GOOD =
  "export function total(lines) {\n  return lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0);\n}\n";
export const HALF = "export function total(lines) {\n  return lines.reduce((sum, { price }) => sum + price, 0);\n}\n";

/** Code that is right in its first process and leaves a file, by which it knows later ones. */
export const worksOnce = (mark: string) => `import { existsSync, writeFileSync } from "node:fs";
const first = !existsSync("${mark}");
writeFileSync("${mark}", "1");
export const total = (lines) => lines.reduce((sum, { price, quantity }) => sum + price * (first ? quantity : 1), 0);
`;

export const testCheck: Extract<CheckInput, { type: "command" }> = {
  type: "command",
  run: "npm test",
  contains: ", 0 failed",
  protected: ["package.json", "test/cart.test.js"],
};

/** In a project that is a repository, whose folder this is. */
export const FOLDER = "shop";
export const folderCheck: CheckInput = {
  ...testCheck,
  cwd: FOLDER,
  protected: [`${FOLDER}/package.json`, `${FOLDER}/test/cart.test.js`],
};

/** The person plans it, and the repository says how it is checked. */
export const barePlan: PersonTask[] = [{ content: TASK, checks: [] }];
export const PROJECT_CHECKS = `version: 1
test: {run: npm test, contains: ", 0 failed", protected: [package.json, test/cart.test.js]}
`;

/** Without files that must stay as they are. */
export const openCheck: CheckInput = { type: "command", run: "npm test", contains: ", 0 failed" };

export const personPlan: PersonTask[] = [{ content: TASK, checks: [testCheck] }];

/** For a child process that imports the file: prints `done` if it does what was asked. */
export const PROOF = `const { total } = await import(process.argv[1]);
let holds = total([]) === 0;
for (let round = 0; round < 50; round++) {
  const lines = Array.from({ length: 3 }, () => ({ price: 1 + Math.floor(Math.random() * 999), quantity: 1 + Math.floor(Math.random() * 9) }));
  let sum = 0;
  for (const { price, quantity } of lines) sum += price * quantity;
  holds &&= total(lines) === sum;
}
console.log(holds ? "work done" : "work not done");`;
