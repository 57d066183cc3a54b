// Regular expressions of checks. What is accepted when a check is made can run: the engine that matches it decides.
import { readExpression } from "./run/expression.ts";

const advice = [
  { about: /looks ahead or behind/, text: "use contains and excludes" },
  { about: /refers back/, text: "write the text out" },
  {
    about: /without its|repeats nothing|repeats a repetition|ends with a backslash/,
    text: "write a \\ before each of . ( ) [ ] { } * + ? ^ $ | that stands for itself",
  },
];

/** What is wrong with the pattern, as the end of a sentence; null if nothing is. */
export function findPatternFault(pattern: string): string | null {
  const read = readExpression(pattern);
  if (read.ok) return null;
  const found = advice.find(({ about }) => about.test(read.why));
  return found === undefined ? read.why : `${read.why}; ${found.text}`;
}
