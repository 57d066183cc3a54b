// One edit of a text: exactly where `old_string` stands; else, at a single place, where it stands but for white space.
// An edit that can't be made says why, with the real lines, so that the model need not read the file again.
import { findPlace, findPlaces, replacePlaces } from "../../lib/find-places.ts";
import { type IndentPair, indentLike, indentOf } from "./indentation.ts";
import { lineNumbers, numberLines } from "./lines.ts";
import { findLoosely, type LoosePlace, nameDifference } from "./loose-match.ts";
import { findNearest } from "./nearest.ts";

export interface EditRequest {
  path: string;
  old_string: string;
  new_string: string;
  replace_all: boolean;
}

export type EditOutcome =
  /** `note` says what the model can't know of the edit. */
  { ok: true; text: string; count: number; lines: string; note: string | null } | { ok: false; message: string };

/** A write holds the content several times in memory that all objects of a process share. */
export const MAX_FILE_BYTES = 5 * 1024 * 1024;
export const TOO_LARGE = `A file that is written has at most ${MAX_FILE_BYTES} bytes. Make larger ones with a command.`;

const SHOWN_PLACES = 10;
/** Lines around the nearest place, since what was remembered wrongly may be beside it. */
const CONTEXT_LINES = 2;
/** A shorter text may stand anywhere by chance. */
const MIN_TELLING_CHARACTERS = 12;

export function applyEdit(text: string, request: EditRequest): EditOutcome {
  const { path, replace_all } = request;
  if (request.old_string === "") return refuse("old_string is empty. To write a whole file, use create_file.");
  if (request.old_string === request.new_string)
    return refuse("old_string and new_string are the same, so nothing would change.");
  const { old_string, new_string } = fitLineBreaks(text, request);
  const places = countPlaces(text, old_string);
  if (places.count === 0) return applyLoosely(text, request);
  if (places.count > 1 && !replace_all) {
    return refuse(
      `old_string stands ${places.count} times in ${path} (lines ${places.lines}), so nothing was changed. Add lines around it until it is there once, or set replace_all to true.`,
    );
  }
  // With this one more, it is no longer clear which of them is meant.
  if (!replace_all && places.overlap) {
    return refuse(
      `old_string stands more than once in ${path}, in places that overlap (from line ${places.lines}), so nothing was changed. Add lines around it until it is there once.`,
    );
  }
  const length = text.length + places.count * (new_string.length - old_string.length);
  if (length > MAX_FILE_BYTES) return refuse(TOO_LARGE);
  const { count, lines } = places;
  return { ok: true, text: replacePlaces(text, old_string, new_string), count, lines, note: null };
}

/** Models write line feeds. In a file whose lines end in CR LF they mean those, unless they write some themselves. */
function fitLineBreaks(text: string, edit: EditRequest): { old_string: string; new_string: string } {
  if (!text.includes("\r\n")) return edit;
  const isExact = edit.old_string.includes("\r") || /(?<!\r)\n/.test(text);
  if (isExact && findPlace(text, edit.old_string) !== null) return edit;
  const adapt = (part: string) => part.replace(/\r?\n/g, "\r\n");
  return { old_string: adapt(edit.old_string), new_string: adapt(edit.new_string) };
}

/** How often the part occurs in the text, the line numbers of the first few, and whether more are within these. */
function countPlaces(text: string, part: string): { count: number; lines: string; overlap: boolean } {
  const offsets: number[] = [];
  let count = 0;
  let all = 0;
  let end = 0;
  for (const at of findPlaces(text, part)) {
    all++;
    if (at < end) continue;
    end = at + part.length;
    count++;
    if (count <= SHOWN_PLACES) offsets.push(at);
  }
  const lines = `${lineNumbers(text, offsets).join(", ")}${count > SHOWN_PLACES ? ", …" : ""}`;
  return { count, lines, overlap: all > count };
}

function applyLoosely(text: string, request: EditRequest): EditOutcome {
  const { path } = request;
  const old = splitLines(request.old_string);
  const { count, places } = findLoosely(text, old.lines);
  const [found] = places;
  // The byte order mark counts as white space and is no part of the first line.
  const place = found && text[found.start] === "\ufeff" ? { ...found, start: found.start + 1 } : found;
  if (place === undefined) return refuse(describeMiss(text, old.lines, request));
  const difference = nameDifference(text.slice(place.start, place.end).split("\n"), old.lines);
  if (count > 1) {
    const lines = places.map(({ line }) => line + 1).join(", ");
    return refuse(
      `old_string was not found in ${path}. But for ${difference} it stands there ${count} times (from lines ${lines}${count > places.length ? ", …" : ""}), so nothing was changed. Copy one of them exactly, with lines around it until it is there once:\n${showPlace(text, place, old.lines.length)}`,
    );
  }
  const made = replaceLines(text, place, old, request.new_string);
  if (made === null) {
    return refuse(
      `old_string was not found in ${path}. But for ${difference} it stands at line ${place.line + 1}, with an indentation that differs from line to line in a way that can't be carried over to new_string, so nothing was changed. These are the lines (number, tab, line); copy them exactly:\n${showPlace(text, place, old.lines.length)}`,
    );
  }
  if (made.text === text)
    return refuse(`Nothing would change: but for ${difference}, the file has new_string there already.`);
  const last = place.line + Math.max(1, made.count);
  const shown = numberLines(made.text, place.line + 1, last);
  const note = `It matched but for ${difference}; the file's own indentation was kept. The lines are now:\n${shown}`;
  return { ok: true, text: made.text, count: 1, lines: String(place.line + 1), note };
}

interface Lines {
  lines: string[];
  /** Whether the text ends with a line break, which then belongs to it. */
  has_end: boolean;
}

function splitLines(text: string): Lines {
  const lines = text.split("\n");
  const has_end = lines.length > 1 && lines.at(-1)?.trim() === "";
  return { lines: has_end ? lines.slice(0, -1) : lines, has_end };
}

/** The text with the new lines at the place, and how many they are; null if their indentation can't be determined. */
function replaceLines(
  text: string,
  { start, end }: LoosePlace,
  old: Lines,
  new_string: string,
): { text: string; count: number } | null {
  if (new_string === "") {
    const after = old.has_end ? Math.min(end + 1, text.length) : text[end - 1] === "\r" ? end - 1 : end;
    return { text: text.slice(0, start) + text.slice(after), count: 0 };
  }
  const fresh = splitLines(new_string);
  // Where only the new text ends with a line break, it adds a line. Where only the old one does, the break stays.
  const lines = fresh.has_end && !old.has_end ? [...fresh.lines, ""] : fresh.lines;
  const real = text.slice(start, end).split("\n");
  const made = fillLines(lines.map(withoutReturn), old.lines.map(withoutReturn), real.map(withoutReturn));
  if (made === null) return null;
  const last = text[end - 1] === "\r" ? "\r" : "";
  const isReturned = real[0]?.endsWith("\r") === true || (end === text.length && text.includes("\r\n"));
  const joined = made.join(isReturned ? "\r\n" : "\n");
  return { text: text.slice(0, start) + joined + last + text.slice(end), count: made.length };
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** Lines at both ends that the edit leaves as they are stay the file's own; those between get its indentation. */
function fillLines(lines: string[], old: string[], real: string[]): string[] | null {
  const most = Math.min(lines.length, old.length);
  let head = 0;
  while (head < most && lines[head] === old[head]) head++;
  let tail = 0;
  while (tail < most - head && lines[lines.length - 1 - tail] === old[old.length - 1 - tail]) tail++;
  const pairs = old.flatMap((line, at): IndentPair[] =>
    line.trim() === "" ? [] : [{ written: indentOf(line), real: indentOf(real[at] ?? "") }],
  );
  const changed = indentLike(lines.slice(head, lines.length - tail), pairs, head === 0);
  return changed && [...real.slice(0, head), ...changed, ...real.slice(real.length - tail)];
}

function showPlace(text: string, { line }: LoosePlace, count: number): string {
  return numberLines(text, line + 1, line + count);
}

function describeMiss(text: string, wanted: readonly string[], { path, new_string }: EditRequest): string {
  const missed = `old_string was not found in ${path}, so nothing was changed.`;
  const there = new_string.trim().length >= MIN_TELLING_CHARACTERS ? findPlace(text, new_string) : null;
  const made =
    there === null
      ? ""
      : ` new_string is there already (line ${lineNumbers(text, [there])[0]}): the edit may have been made before.`;
  const nearest = findNearest(text, wanted);
  if (nearest === null)
    return `${missed}${made} No line of it is alike: check the path, or find the text with search_files.`;
  const first = Math.max(1, nearest + 1 - CONTEXT_LINES);
  const shown = numberLines(text, first, nearest + wanted.length + CONTEXT_LINES);
  return `${missed}${made} These lines are the nearest (number, tab, then the line exactly as it is). Copy what you mean from them and call again:\n${shown}`;
}

function refuse(message: string): EditOutcome {
  return { ok: false, message };
}
