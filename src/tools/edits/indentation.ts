// Carries the indentation of a file over to text that a model wrote with another one. A wrong indentation changes what
// Python and YAML mean, so a difference that follows no simple rule is not guessed.

/** The indentation of a line as the model wrote it, and as the file has it. */
export interface IndentPair {
  written: string;
  real: string;
}

/** The file's indentation for one that the model wrote; null if the rule says nothing about it. */
type Rule = (written: string) => string | null;

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/**
 * The lines with the file's indentation; null if the pairs follow no rule. `pairs` are of the lines that were found, in
 * order. The first may follow a rule of its own, since models often leave out its indentation only; `begins` says
 * whether `lines` begin with its successor.
 */
export function indentLike(lines: readonly string[], pairs: readonly IndentPair[], begins: boolean): string[] | null {
  const rule = findRule(pairs);
  if (rule !== null) return indentAll(lines, rule);
  const [first, ...others] = pairs;
  const rest = others.length > 0 ? findRule(others) : null;
  if (first === undefined || rest === null) return null;
  if (!begins || lines.length === 0) return indentAll(lines, rest);
  const ofFirst: Rule = (written) => (written === first.written ? first.real : rest(written));
  const head = indentAll(lines.slice(0, 1), ofFirst);
  const tail = indentAll(lines.slice(1), rest);
  return head === null || tail === null ? null : [...head, ...tail];
}

function indentAll(lines: readonly string[], rule: Rule): string[] | null {
  const indented: string[] = [];
  for (const line of lines) {
    const written = indentOf(line);
    const real = line.trim() === "" ? written : rule(written);
    if (real === null) return null;
    indented.push(real + line.slice(written.length));
  }
  return indented;
}

function findRule(pairs: readonly IndentPair[]): Rule | null {
  const [first] = pairs;
  if (first === undefined) return (written) => written;
  const added = first.real.slice(0, Math.max(0, first.real.length - first.written.length));
  if (pairs.every(({ written, real }) => real === added + written)) return (written) => added + written;
  const removed = first.written.slice(0, Math.max(0, first.written.length - first.real.length));
  if (pairs.every(({ written, real }) => written === removed + real)) {
    // A line that was less deep than all that were found may belong to anything outside of them.
    return (written) => (written.startsWith(removed) ? written.slice(removed.length) : null);
  }
  return findScale(pairs) ?? findUnits(pairs);
}

/** Spaces of one level as models write them, and as files have them. */
const scales = [
  [4, 2],
  [2, 4],
  [8, 4],
  [4, 8],
  [8, 2],
  [2, 8],
  [4, 3],
  [3, 4],
  [3, 2],
  [2, 3],
] as const;

/** Levels of another width. */
function findScale(pairs: readonly IndentPair[]): Rule | null {
  if (!pairs.every(({ written, real }) => /^ *$/.test(written) && /^ *$/.test(real))) return null;
  const scale = scales.find(([from, to]) =>
    pairs.every(({ written, real }) => written.length % from === 0 && (written.length / from) * to === real.length),
  );
  if (scale === undefined) return null;
  const [from, to] = scale;
  return (written) =>
    /^ *$/.test(written) && written.length % from === 0 ? " ".repeat((written.length / from) * to) : null;
}

/** Tabs where the model wrote spaces, or the other way round, perhaps some levels deeper. */
function findUnits(pairs: readonly IndentPair[]): Rule | null {
  const isTabs = pairs.every(({ written, real }) => /^ *$/.test(written) && /^\t*$/.test(real));
  const isSpaces = pairs.every(({ written, real }) => /^\t*$/.test(written) && /^ *$/.test(real));
  if (!isTabs && !isSpaces) return null;
  const widths = pairs.map(({ written, real }) =>
    isTabs ? [written.length, real.length] : [real.length, written.length],
  );
  const unit = chooseUnit(widths as [number, number][]);
  if (unit === null) return null;
  const { size, deeper } = unit;
  if (isTabs) {
    return (written) => {
      const level = written.length / size + deeper;
      return /^ *$/.test(written) && Number.isInteger(level) && level >= 0 ? "\t".repeat(level) : null;
    };
  }
  return (written) => {
    const level = written.length - deeper;
    return /^\t*$/.test(written) && level >= 0 ? " ".repeat(size * level) : null;
  };
}

/** Spaces of one tab, and how many tabs more there are than the spaces say. */
function chooseUnit(widths: [spaces: number, tabs: number][]): { size: number; deeper: number } | null {
  const fitting = [4, 2, 8, 3, 1, 5, 6, 7].flatMap((size) => {
    const [first] = widths;
    if (first === undefined) return [];
    const deeper = first[1] - first[0] / size;
    const fits = Number.isInteger(deeper) && widths.every(([spaces, tabs]) => tabs - spaces / size === deeper);
    return fits ? [{ size, deeper }] : [];
  });
  return fitting.find(({ deeper }) => deeper === 0) ?? fitting[0] ?? null;
}
