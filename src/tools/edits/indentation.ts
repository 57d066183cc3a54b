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
 * The lines with the file's indentation; null if the pairs follow no rule, or several that differ for these lines.
 * `pairs` are of the lines that were found, in order. `begins` says whether `lines` begin with the first one's successor.
 */
export function indentLike(lines: readonly string[], pairs: readonly IndentPair[], begins: boolean): string[] | null {
  if (leavesDepths(lines, pairs)) return null;
  const rule = findRule(pairs);
  if (rule !== null) return indentAll(lines, rule);
  const shifted = findScale(pairs, true) ?? findUnits(pairs, true);
  const [made, ...others] = [shifted && indentAll(lines, shifted), indentWithoutFirst(lines, pairs, begins)].filter(
    (each) => each !== null,
  );
  return made !== undefined && others.every((other) => other.join("\n") === made.join("\n")) ? made : null;
}

/** Whether a line is less deep than those that were found, all at one depth: that shows how deep, but not how steep. */
function leavesDepths(lines: readonly string[], pairs: readonly IndentPair[]): boolean {
  // Above one tab there is one depth only.
  if (pairs.every(({ written, real }) => written === real || real === "\t")) return false;
  const depths = new Set(pairs.map(({ written }) => written.length));
  const least = Math.min(...depths);
  return depths.size === 1 && lines.some((line) => line.trim() !== "" && indentOf(line).length < least);
}

/**
 * Models often leave out the indentation of the first line only. Another line with as little of it is then no such line,
 * and one that is less deep than the first is known only if it was found.
 */
function indentWithoutFirst(lines: readonly string[], pairs: readonly IndentPair[], begins: boolean): string[] | null {
  const [first, ...others] = pairs;
  if (first === undefined || others.length === 0) return null;
  const isAsWritten = others.every(({ written, real }) => written === real);
  const rest: Rule | null = isAsWritten ? (written) => written : (findScale(others, false) ?? findUnits(others, false));
  if (rest === null) return null;
  const found = new Set(others.map(({ written }) => written));
  const ofRest: Rule = (written) => {
    const real = rest(written);
    if (real === null || found.has(written)) return real;
    return written !== first.written && real.startsWith(first.real) ? real : null;
  };
  if (!begins || lines.length === 0) return indentAll(lines, ofRest);
  const head = indentAll(lines.slice(0, 1), (written) => (written === first.written ? first.real : ofRest(written)));
  const tail = indentAll(lines.slice(1), ofRest);
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
  return findScale(pairs, false) ?? findUnits(pairs, false);
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

/** Levels of another width, perhaps some of them deeper. */
function findScale(pairs: readonly IndentPair[], isShifted: boolean): Rule | null {
  const [first] = pairs;
  if (first === undefined || !pairs.every(({ written, real }) => /^ *$/.test(written) && /^ *$/.test(real)))
    return null;
  for (const [from, to] of scales) {
    const shift = first.real.length - (first.written.length / from) * to;
    if (shift !== 0 && !isShifted) continue;
    const rule: Rule = (written) => {
      const width = (written.length / from) * to + shift;
      return /^ *$/.test(written) && written.length % from === 0 && width >= 0 ? " ".repeat(width) : null;
    };
    if (pairs.every(({ written, real }) => rule(written) === real)) return rule;
  }
  return null;
}

/** Tabs where the model wrote spaces, or the other way round, perhaps some levels deeper. */
function findUnits(pairs: readonly IndentPair[], isShifted: boolean): Rule | null {
  const isTabs = pairs.every(({ written, real }) => /^ *$/.test(written) && /^\t*$/.test(real));
  const isSpaces = pairs.every(({ written, real }) => /^\t*$/.test(written) && /^ *$/.test(real));
  if (!isTabs && !isSpaces) return null;
  const widths = pairs.map(({ written, real }) =>
    isTabs ? [written.length, real.length] : [real.length, written.length],
  );
  const unit = chooseUnit(widths as [number, number][]);
  if (unit === null || (unit.deeper !== 0 && !isShifted)) return null;
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
