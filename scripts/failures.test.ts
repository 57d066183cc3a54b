import { describe, expect, it } from "vitest";
import { findFailures, showFailures } from "./failures.ts";

const root = "/home/ada/taskloom";

interface Test {
  ancestorTitles: string[];
  title: string;
  status: string;
  failureMessages: string[];
}

function failedTest(title: string, reason: string): Test {
  return { ancestorTitles: ["addUp"], title, status: "failed", failureMessages: [reason] };
}

function reportOf(tests: Test[], { message = "", status = "failed" } = {}): string {
  const failed = tests.filter((test) => test.status === "failed").length;
  return JSON.stringify({
    numPassedTests: tests.length - failed,
    numFailedTests: failed,
    testResults: [{ name: `${root}/src/lib/sums.test.ts`, status, message, assertionResults: tests }],
  });
}

const passed: Test = { ancestorTitles: ["addUp"], title: "adds", status: "passed", failureMessages: [] };

describe("findFailures", () => {
  it("names the project, the file and each test that failed", () => {
    const report = reportOf([passed, failedTest("carries", "AssertionError: expected 9 to be 10")]);
    expect(findFailures(report, "unit", root, 1)).toEqual([
      { name: "unit › src/lib/sums.test.ts › addUp › carries", reason: "AssertionError: expected 9 to be 10" },
    ]);
  });

  it("finds nothing where nothing failed", () => {
    expect(findFailures(reportOf([passed], { status: "passed" }), "unit", root, 0)).toEqual([]);
  });

  it("names a file that failed outside its tests", () => {
    const unread = reportOf([], { message: "Cannot find module './sums.ts'" });
    expect(findFailures(unread, "unit", root, 1)).toEqual([
      { name: "unit › src/lib/sums.test.ts", reason: "Cannot find module './sums.ts'" },
    ]);
    expect(findFailures(reportOf([passed]), "unit", root, 1)).toEqual([
      { name: "unit › src/lib/sums.test.ts", reason: "It failed outside its tests." },
    ]);
  });

  it("names a project that broke without a failing test, or that ran no test", () => {
    const broken = findFailures(reportOf([passed], { status: "passed" }), "worker", root, 1);
    expect(broken.map(({ name }) => name)).toEqual(["worker"]);
    for (const report of ["", "null", '{"testResults', reportOf([], { status: "passed" })]) {
      expect(findFailures(report, "worker", root, 0)).toHaveLength(1);
    }
  });
});

describe("showFailures", () => {
  it("shows nothing for no failure", () => {
    expect(showFailures([])).toBe("");
  });

  it("shows the name and the error, without colours and places in the code", () => {
    const reason = "AssertionError: \u001b[31mexpected\u001b[39m 9\n\n- 10\n+ 9\n    at addUp (/home/ada/sums.ts:3:1)";
    expect(showFailures([{ name: "lint", reason }])).toBe(
      "\n— what failed\nlint\n    AssertionError: expected 9\n    - 10\n    + 9\n",
    );
  });

  it("shows thirty failures of six hundred characters each, and counts the others", () => {
    const failures = Array.from({ length: 42 }, (_, index) => ({ name: `test ${index}`, reason: "x".repeat(5_000) }));
    const shown = showFailures(failures);
    expect(shown).toContain("\ntest 29\n");
    expect(shown).not.toContain("test 30");
    expect(shown).toMatch(/…\nand 12 more\n$/);
    expect(shown.length).toBeLessThan(31 * 601);
  });
});
