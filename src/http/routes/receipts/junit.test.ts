import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { parseDocument } from "htmlparser2";
import { describe, expect, it } from "vitest";
import { validateXML } from "xmllint-wasm";
import { makeReceipt } from "../../../../test/fakes/receipts.ts";
import { checkOf, hostileReport, hostileTexts, makeTask, reportOf } from "../../../../test/fakes/run-report.ts";
import { writeJunit } from "./junit.ts";

const schema = await readFile("test/fixtures/junit.xsd", "utf8");

/** What libxml2 says against it. */
async function findFaults(...xml: string[]): Promise<string[]> {
  const files = xml.map((contents, place) => ({ fileName: `receipts-${place}.xml`, contents }));
  const { errors } = await validateXML({ xml: files, schema });
  return errors.map(({ message, loc }) => `${loc?.fileName}: ${message}`);
}

/** Attributes and texts by element, as a reader that decodes entities sees them. */
function read(xml: string): { name: string; attributes: Record<string, string>; text: string }[] {
  const found: ReturnType<typeof read> = [];
  type Node = ReturnType<typeof parseDocument>["children"][number];
  const textOf = (node: Node): string =>
    "data" in node ? String(node.data) : "children" in node ? node.children.map((child) => textOf(child)).join("") : "";
  const walk = (node: Node): void => {
    if ("attribs" in node) found.push({ name: node.name, attributes: node.attribs, text: textOf(node) });
    if ("children" in node) for (const child of node.children) walk(child);
  };
  for (const node of parseDocument(xml, { xmlMode: true, decodeEntities: true }).children) walk(node);
  return found;
}

const failed = makeReceipt({
  ...{ receipt_id: "rcpt_2", check_id: "chk_2", outcome: "failed", reason: "`npm test` exited with 1, not 0." },
  ...{ output_head: "1 < 2\n", output_tail: "failed & gone", started_at: "2026-11-25T10:00:09.500Z", author: "model" },
});

it("libxml2 finds what is wrong", async () => {
  const xml = writeJunit(reportOf([], [makeReceipt()]));
  const broken = [xml.replace(' hostname="taskloom"', ""), xml.replace("12 passed", "\u0001")];
  expect(await findFaults(xml)).toEqual([]);
  for (const each of broken) expect(await findFaults(each)).not.toEqual([]);
});

describe("the JUnit document of a run", () => {
  it("has a suite for each task, and a case for each check with what its last look saw", async () => {
    const first = makeReceipt({ outcome: "failed", receipt_id: "rcpt_0" });
    const passed = makeReceipt();
    const tasks = [
      makeTask("task_1", [checkOf("chk_1", passed)]),
      makeTask("task_2", [checkOf("chk_2", failed), checkOf("chk_3")], { status: "cancelled" }),
      makeTask("task_3", []),
    ];
    const gone = makeReceipt({ receipt_id: "rcpt_4", task_id: "task_gone", outcome: "not_run", reason: "No sandbox." });
    const xml = writeJunit(reportOf(tasks, [first, passed, { ...failed, task_id: "task_2" }, gone]));
    expect(await findFaults(xml)).toEqual([]);
    const elements = read(xml);
    const suites = elements.filter(({ name }) => name === "testsuite").map(({ attributes }) => attributes);
    expect(suites).toMatchObject([
      { name: "Do task_1", tests: "1", failures: "0", skipped: "0", time: "1.234", timestamp: "2026-11-25T10:00:00" },
      {
        name: "Do task_2",
        tests: "2",
        failures: "1",
        skipped: "1",
        timestamp: "2026-11-25T10:00:09",
        package: "thread-001",
      },
      { name: "task_gone", tests: "1", failures: "0", skipped: "1", id: "2" },
    ]);
    const cases = elements.filter(({ name }) => name === "testcase").map(({ attributes }) => attributes);
    expect(cases.map(({ classname, name }) => `${classname}: ${name}`)).toEqual([
      "Do task_1: `npm test` exits with 0",
      "Do task_2: `npm test` exits with 0",
      "Do task_2: `make chk_3` exits with 0",
      "task_gone: `npm test` exits with 0",
    ]);
    expect(elements.filter(({ name }) => name === "failure")).toEqual([
      {
        name: "failure",
        attributes: { message: "`npm test` exited with 1, not 0.", type: "command" },
        text: "1 < 2\n\n[…]\nfailed & gone",
      },
    ]);
    const skipped = elements.filter(({ name }) => name === "skipped").map(({ attributes }) => attributes.message);
    expect(skipped).toEqual(["It has not run.", "No sandbox."]);
    const properties = elements
      .filter(({ name }) => name === "property")
      .map(({ attributes: of }) => `${of.name}=${of.value}`);
    for (const property of [
      ...["run=inv_a", "task=task_1", "task.verification=verified", "task.verification=failed", "task.status=deleted"],
      ...["chk_1.rounds=2", "chk_1.author=person", "chk_2.author=model", `chk_1.output_sha256=${"a".repeat(64)}`],
    ])
      expect(properties).toContain(property);
    const outputs = elements.filter(({ name }) => name === "system-out").map(({ text }) => text);
    expect(outputs).toEqual(["`npm test` exits with 0:\n12 passed\n\n", "", expect.stringContaining("12 passed")]);
  });

  it("is valid without checks, and says what may be missing", async () => {
    const [empty, cut] = [writeJunit(reportOf([], [])), writeJunit(reportOf([], [makeReceipt()], false))];
    expect(await findFaults(empty, cut)).toEqual([]);
    expect(read(empty).map(({ name }) => name)).toEqual(["testsuites"]);
    expect(cut).toContain("The oldest receipts of the run may be missing.");
  });

  it("is valid whatever models and programs write, and has it as text", async () => {
    const documents = hostileTexts.map((text) => writeJunit(hostileReport(text)));
    expect(await findFaults(...documents)).toEqual([]);
    const [first = ""] = documents;
    expect(read(first).find(({ name }) => name === "failure")?.text).toBe(
      `${hostileTexts[0]}\n[…]\n${hostileTexts[0]}`,
    );
    expect(
      read(first)
        .map(({ name }) => name)
        .filter((name) => name === "testcase"),
    ).toHaveLength(2);
    expect(documents[1]).toMatch(/�red�\nline\nover/);
  });

  it("is valid for outputs of 64 KiB and for any text", async () => {
    const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
    const texts = fc.sample(
      fc.array(unit, { maxLength: 200 }).map((units) => units.join("")),
      60,
    );
    const long = ["\u0001".repeat(65_536), "]]>&<".repeat(13_000), "\u001b[".repeat(32_000)];
    expect(await findFaults(...[...texts, ...long].map((text) => writeJunit(hostileReport(text))))).toEqual([]);
  });
});
