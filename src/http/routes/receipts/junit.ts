// A run's receipts as JUnit XML, for CI: a suite for each task, a case for each check, with what its last look saw. The
// schemas of Ant and of Jenkins differ; this is what both allow, so a case has neither properties nor an output of its
// own. A check that did not run is skipped, and the texts of a suite say why.
import type { Receipt } from "../../../protocol/plan/check.ts";
import { toPlain, toPlainLine } from "./plain.ts";
import { describeFiles, outputOf, type Report, type ReportedCheck, type ReportedTask } from "./report.ts";

const MESSAGE_CHARACTERS = 1_000;
const VALUE_CHARACTERS = 500;

export function writeJunit(report: Report): string {
  const suites = report.tasks.map((task, id) => writeSuite(report, task, id));
  if (!report.is_whole) suites.push(writeCut(report, suites.length));
  return ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...suites, "</testsuites>", ""].join("\n");
}

function writeSuite({ run }: Report, task: ReportedTask, id: number): string {
  const cases = task.checks.map((check) => ({ check, last: check.receipts.at(-1) }));
  const count = (outcome: string) => cases.filter(({ last }) => (last?.outcome ?? "not_run") === outcome).length;
  const first = task.checks.flatMap(({ receipts }) => receipts.map(({ started_at }) => started_at)).toSorted()[0];
  const attributes = {
    name: task.name,
    // Ant's schema has no zone.
    timestamp: (first ?? run.started_at ?? run.created_at).slice(0, "2026-11-25T10:00:00".length),
    hostname: "taskloom",
    tests: cases.length,
    failures: count("failed"),
    errors: 0,
    skipped: count("not_run"),
    time: toSeconds(cases.reduce((sum, { last }) => sum + (last?.duration_ms ?? 0), 0)),
    package: run.thread_id,
    id,
  };
  return [
    `<testsuite${writeAttributes(attributes)}>`,
    writeProperties(propertiesOf(run.invocation_id, task)),
    ...cases.map(({ check, last }) => writeCase(task, check, last)),
    `<system-out>${escapeText(cases.map(({ check, last }) => describeOutput(check, last)).join(""))}</system-out>`,
    "<system-err></system-err>",
    "</testsuite>",
  ].join("\n");
}

/** Who wrote a check, and what proves what was seen, is in properties of the suite: a case has none in Ant's schema. */
function propertiesOf(run: string, { task_id, status, verification, checks }: ReportedTask): Properties {
  const properties: Properties = {
    ...{ run, task: task_id, "task.status": status ?? "deleted", "task.verification": verification },
  };
  for (const { check_id, author, receipts } of checks) {
    const last = receipts.at(-1);
    properties[`${check_id}.author`] = author;
    if (last === undefined) continue;
    properties[`${check_id}.receipt`] = last.receipt_id;
    properties[`${check_id}.rounds`] = String(receipts.length);
    properties[`${check_id}.output_sha256`] = last.output_hash;
    properties[`${check_id}.tree`] = last.tree;
    properties[`${check_id}.changed`] = describeFiles(last.changed_files);
    properties[`${check_id}.altered`] = describeFiles(last.altered_files);
  }
  return properties;
}

/** Null: there is none. */
type Properties = Record<string, string | null>;

function writeProperties(properties: Properties): string {
  const lines = Object.entries(properties).flatMap(([name, value]) =>
    value === null ? [] : `<property${writeAttributes({ name, value: toPlainLine(value, VALUE_CHARACTERS) })}/>`,
  );
  return ["<properties>", ...lines, "</properties>"].join("\n");
}

function writeCase(task: ReportedTask, check: ReportedCheck, last: Receipt | undefined): string {
  const time = toSeconds(last?.duration_ms ?? 0);
  const open = `<testcase${writeAttributes({ name: check.name, classname: task.name, time })}`;
  if (last?.outcome === "passed") return `${open}/>`;
  const message = toPlainLine(last?.reason ?? "It has not run.", MESSAGE_CHARACTERS);
  if (last?.outcome !== "failed") return `${open}><skipped${writeAttributes({ message })}/></testcase>`;
  const text = escapeText(toPlain(outputOf(last)));
  return `${open}><failure${writeAttributes({ message, type: check.spec.type })}>${text}</failure></testcase>`;
}

/** A failure has its output with it. */
function describeOutput({ name }: ReportedCheck, last: Receipt | undefined): string {
  if (last === undefined || last.outcome === "failed" || last.output_head === "") return "";
  return `${name}:\n${toPlain(outputOf(last))}\n`;
}

/** Skipped, so that nobody takes the document for all of the run. */
function writeCut({ run }: Report, id: number): string {
  const name = "Receipts that are not here";
  const message = "The oldest receipts of the run may be missing.";
  const attributes = {
    ...{ name, timestamp: run.created_at.slice(0, "2026-11-25T10:00:00".length), hostname: "taskloom", tests: 1 },
    ...{ failures: 0, errors: 0, skipped: 1, time: toSeconds(0), package: run.thread_id, id },
  };
  return [
    `<testsuite${writeAttributes(attributes)}>`,
    writeProperties({ run: run.invocation_id }),
    `<testcase${writeAttributes({ name: message, classname: name, time: toSeconds(0) })}><skipped/></testcase>`,
    "<system-out></system-out>",
    "<system-err></system-err>",
    "</testsuite>",
  ].join("\n");
}

function toSeconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function writeAttributes(attributes: Record<string, string | number>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeText(String(value)).replaceAll('"', "&quot;")}"`)
    .join("");
}

/** `>` too, so that no text ends with what XML forbids in one. The text is plain. */
function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
