// Reads Prometheus's text format by its rules, and throws where one is broken: each metric once, its help and type before
// its samples, its samples together, no sample twice, names and labels of the permitted form, the last line ended.
// (https://prometheus.io/docs/instrumenting/exposition_formats/)
const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$/;
const labelPair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;
const types = ["counter", "gauge", "histogram", "summary", "untyped"];

/** The samples, by name and labels as they are written. */
export function checkExposition(text: string): Map<string, number> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const samples = new Map<string, number>();
  const seen = new Set<string>();
  let current = { name: "", type: "" };
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (seen.has(name)) throw new Error(`${name} comes twice`);
      if (!metricName.test(name)) throw new Error(`${name} is no name`);
      seen.add(name);
      current = { name, type: "" };
    } else if (kind === "TYPE") {
      if (name !== current.name || current.type !== "" || !types.includes(rest)) throw new Error(`wrong type: ${line}`);
      current = { name, type: rest };
      if ((rest === "counter") !== name.endsWith("_total")) throw new Error(`${name} is a ${rest}`);
    } else readSample(line);
  }

  function readSample(line: string): void {
    const [, name = "", labels = "", value = ""] = sampleLine.exec(line) ?? [];
    if (name !== current.name || current.type === "") throw new Error(`a sample without its metric: ${line}`);
    checkLabels(labels);
    if (samples.has(name + labels)) throw new Error(`a sample twice: ${line}`);
    const number = { "+Inf": Number.POSITIVE_INFINITY, "-Inf": Number.NEGATIVE_INFINITY, NaN: Number.NaN }[value];
    if (number === undefined && !/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value)) throw new Error(`no number: ${line}`);
    samples.set(name + labels, number ?? Number(value));
  }
  return samples;
}

function checkLabels(labels: string): void {
  const names = new Set<string>();
  for (let rest = labels.slice(1, -1); rest !== ""; ) {
    const [whole, name = ""] = labelPair.exec(rest) ?? [];
    if (whole === undefined || names.has(name) || name.startsWith("__")) throw new Error(`wrong labels: ${labels}`);
    names.add(name);
    rest = rest.slice(whole.length);
  }
}
