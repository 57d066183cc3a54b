// Finds out whether an expression takes more than linear time for some text. `scslre` proves it for repeats of one
// character. For repeats of a word, as in `<!--<!--<!--`, texts are made of what stands before each unbounded
// repetition, so that a search begins again at each word, and the processor time is measured.
import { type AST, RegExpParser } from "@eslint-community/regexpp";
import { analyse } from "scslre";

/** A linear expression takes 1 to 2 ms for so many characters, a quadratic one 60 ms or more. */
const CHARACTERS = 50_000;
const MAX_MS = 25;

/** Null if no such text is found. */
export function findSlowness({ source, flags }: RegExp): string | null {
  const [report] = analyse({ source, flags }).reports;
  if (report) return `many ${JSON.stringify(report.character.pick)}`;
  const word = makeWords(source, flags).find((each) => isSlow(new RegExp(source, flags), each));
  return word === undefined ? null : `many ${JSON.stringify(word)}`;
}

function isSlow(expression: RegExp, word: string): boolean {
  const text = `${word.repeat(Math.ceil(CHARACTERS / word.length))}\0`;
  // Twice, since the first time includes compiling, or what else ran.
  return measure(expression, text) > MAX_MS && measure(expression, text) > MAX_MS;
}

function measure(expression: RegExp, text: string): number {
  const before = process.cpuUsage();
  text.replace(expression, "");
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const alphabet = [
  ...Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)),
  "\n",
  "\0",
  "é",
  "中",
  "\x1e",
];

interface Choice {
  flags: string;
  /** Characters that are taken where several fit. */
  preferred: string[];
  /** Which alternative of each group. */
  alternative: number;
}

function makeWords(source: string, flags: string): string[] {
  const pattern = new RegExpParser().parsePattern(source, 0, source.length, {
    unicode: flags.includes("u"),
    unicodeSets: flags.includes("v"),
  });
  const isTriedOnce = flags.includes("y") || (!flags.includes("m") && pattern.alternatives.every(isAnchored));
  if (isTriedOnce) return [];
  const words = unbounded(pattern).flatMap((quantifier) => {
    const inside = accepted(quantifier.element.raw, flags);
    const [first = ""] = before(quantifier, { flags, preferred: [], alternative: 0 });
    return [
      [...inside.filter((sign) => /[a-z]/.test(sign)), ...inside],
      [first, ...inside],
    ].flatMap((preferred) =>
      [0, 1, 2].flatMap((alternative) => {
        const choice = { flags, preferred, alternative };
        const start = before(quantifier, choice);
        return [start, start + sample(quantifier.element, choice), sample(quantifier.element, choice)];
      }),
    );
  });
  return [...new Set(words.filter((word) => word !== "").flatMap((word) => [word, `${word} `, `${word}\n`]))];
}

function isAnchored({ elements: [first] }: AST.Alternative): boolean {
  return first?.type === "Assertion" && first.kind === "start";
}

function unbounded(node: AST.Node): AST.Quantifier[] {
  if (node.type === "Quantifier")
    return [...(node.max === Number.POSITIVE_INFINITY ? [node] : []), ...unbounded(node.element)];
  if ("alternatives" in node) return node.alternatives.flatMap((each) => unbounded(each as AST.Node));
  return node.type === "Alternative" ? node.elements.flatMap(unbounded) : [];
}

/** A text that the pattern takes before it comes to this node. */
function before(node: AST.Node, choice: Choice): string {
  const { parent } = node;
  if (parent === null || parent.type === "Pattern") return "";
  const siblings =
    parent.type === "Alternative" ? parent.elements.slice(0, parent.elements.indexOf(node as never)) : [];
  return before(parent, choice) + siblings.map((each) => sample(each, choice)).join("");
}

function sample(node: AST.Node, choice: Choice): string {
  switch (node.type) {
    case "Character":
      return String.fromCodePoint(node.value);
    case "CharacterSet":
    case "CharacterClass":
    case "ExpressionCharacterClass": {
      const signs = accepted(node.raw, choice.flags);
      return (
        choice.preferred.find((sign) => signs.includes(sign)) ?? signs.find((sign) => /\w/.test(sign)) ?? signs[0] ?? ""
      );
    }
    case "Quantifier":
      return sample(node.element, choice).repeat(Math.min(node.min, 50));
    case "Group":
    case "CapturingGroup": {
      const alternative = node.alternatives[choice.alternative % node.alternatives.length];
      return alternative ? sample(alternative, choice) : "";
    }
    case "Alternative":
      return node.elements.map((each) => sample(each, choice)).join("");
    default:
      return "";
  }
}

/** The characters that this part of a pattern takes alone. */
function accepted(raw: string, flags: string): string[] {
  // A part with a reference to another part is none alone.
  if (/\\[1-9k]/.test(raw)) return [];
  const expression = new RegExp(`^(?:${raw})$`, flags.replace(/[gy]/g, ""));
  return alphabet.filter((sign) => expression.test(sign));
}
