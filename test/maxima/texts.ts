// Texts of a length, each of which is the worst for some way to read a text.

/** As many as a request's body can hold. */
export type Alphabet = { name: string; unit: string };

export const alphabets: Alphabet[] = [
  { name: "letters", unit: "x" },
  { name: "spaces", unit: " " },
  { name: "quotes", unit: '"' },
  { name: "controls", unit: "\u0001" },
  { name: "line ends", unit: "\n" },
  { name: "emoji", unit: "😀" },
  { name: "ideographs", unit: "长" },
  { name: "parentheses", unit: "(" },
  { name: "stars", unit: "*" },
  { name: "digits", unit: "1" },
  { name: "brackets", unit: "[" },
  { name: "backquotes", unit: "`" },
  { name: "slashes", unit: "/" },
  { name: "tags", unit: "<a>" },
  { name: "rows", unit: "|a\n|-\n" },
  { name: "dots", unit: "." },
  { name: "percents", unit: "%" },
  { name: "tabs and letters", unit: "\ta" },
];

/** The longest within both limits. */
export function fill({ unit }: Alphabet, characters: number, bytes: number): string {
  const written = Buffer.byteLength(JSON.stringify(unit)) - 2;
  return unit.repeat(Math.max(1, Math.min(Math.floor(characters / unit.length), Math.floor(bytes / written))));
}
