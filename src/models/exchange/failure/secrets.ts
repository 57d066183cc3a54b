// Finds secrets in a server's words, also in the writing of addresses, forms, pages and JSON: servers quote a request's
// address or header as they log it. The words are read once in each writing, with the place of each character, so the
// time does not depend on how long a secret is.

/** Local servers accept any key ("ollama", "x"). Such a short word is no secret and occurs in ordinary text. */
const MIN_CHARACTERS = 8;

/** A text as it is meant. `places[i]` is where its character `i` begins in the text as it is written. */
interface Reading {
  text: string;
  places: number[];
}

export function hideSecrets(text: string, secrets: readonly string[]): string {
  const long = secrets.filter((secret) => secret.length >= MIN_CHARACTERS);
  if (long.length === 0) return text;
  const readings = [readPlain(text), read(text, false), read(text, true)];
  const found = long.flatMap((secret) => [
    ...readings.flatMap((reading) => find(reading, secret)),
    ...find(readings[0] as Reading, toBase64(secret)),
  ]);
  return replaceAll(text, found);
}

function replaceAll(text: string, found: [number, number][]): string {
  let shown = "";
  let from = 0;
  for (const [start, end] of found.toSorted(([one], [other]) => one - other)) {
    if (start >= from) shown += `${text.slice(from, start)}[key]`;
    from = Math.max(from, end);
  }
  return shown + text.slice(from);
}

function find({ text, places }: Reading, secret: string): [number, number][] {
  const words = lower(secret);
  const found: [number, number][] = [];
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + words.length)) {
    found.push([places[at] ?? 0, places[at + words.length] ?? 0]);
  }
  return found;
}

/** Of ASCII alone: no other letter keeps its length for sure. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function readPlain(text: string): Reading {
  return { text: lower(text), places: Array.from({ length: text.length + 1 }, (_, at) => at) };
}

/** `%2B`, `&#43;`, `&#x2b;`, `&amp;`, `\u002b`, and a backslash before what JSON escapes. Keys are ASCII. */
const written =
  /%([0-7][\da-f])|&#x0{0,4}([\da-f]{2});|&#0{0,4}(\d{2,3});|&(amp|lt|gt|quot|apos);|\\{1,2}u00([\da-f]{2})|\\{1,3}(?=["'/\\])/gi;
const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** `isForm`: a plus is a space. */
function read(text: string, isForm: boolean): Reading {
  let meant = "";
  const places: number[] = [];
  const add = (characters: string, at: number, step: number) => {
    for (let n = 0; n < characters.length; n++) places.push(at + n * step);
    meant += characters;
  };
  const addPlain = (from: number, to: number) => {
    const plain = text.slice(from, to);
    add(isForm ? plain.replaceAll("+", " ") : plain, from, 1);
  };
  let from = 0;
  for (const { index, 0: whole, 1: percent, 2: hex, 3: decimal, 4: name, 5: unicode } of text.matchAll(written)) {
    addPlain(from, index);
    const code = percent ?? hex ?? unicode;
    if (code !== undefined) add(String.fromCharCode(Number.parseInt(code, 16)), index, 0);
    else if (decimal !== undefined) add(String.fromCharCode(Number(decimal)), index, 0);
    else if (name !== undefined) add(entities[name.toLowerCase()] ?? "", index, 0);
    from = index + whole.length;
  }
  addPlain(from, text.length);
  places.push(text.length);
  return { text: lower(meant), places };
}

function toBase64(secret: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(secret)));
}
