// Every place of a text in another one, overlapping ones too, in time linear in the length of both. V8's `indexOf`
// multiplies them where a long text is made to match almost everywhere.

/** Knuth-Morris-Pratt from each place where this much of the text begins; up to here `indexOf` is fast for any text. */
const HEAD = 64;

/** `part` is not empty. */
export function* findPlaces(text: string, part: string): Generator<number, undefined> {
  const head = part.slice(0, HEAD);
  let back: Uint32Array | null = null;
  let matched = 0;
  for (let at = 0; at < text.length; at++) {
    if (matched === 0) {
      at = text.indexOf(head, at);
      if (at < 0) return;
    }
    back ??= tableOf(part);
    const unit = text.charCodeAt(at);
    while (matched > 0 && unit !== part.charCodeAt(matched)) matched = back[matched - 1] ?? 0;
    if (unit === part.charCodeAt(matched)) matched++;
    if (matched < part.length) continue;
    yield at - matched + 1;
    matched = back[matched - 1] ?? 0;
  }
}

export function findPlace(text: string, part: string): number | null {
  return findPlaces(text, part).next().value ?? null;
}

/** All places, one after the other, as `text.split(part).join(fresh)` does. */
export function replacePlaces(text: string, part: string, fresh: string): string {
  // A short part can have millions of places, each of which would be a piece of the text below.
  if (part.length <= HEAD) return text.split(part).join(fresh);
  let end = 0;
  let replaced = "";
  for (const at of findPlaces(text, part)) {
    if (at < end) continue;
    replaced += text.slice(end, at) + fresh;
    end = at + part.length;
  }
  return replaced + text.slice(end);
}

/** For each beginning of the part, how long a shorter beginning it ends with. */
function tableOf(part: string): Uint32Array {
  const back = new Uint32Array(part.length);
  for (let at = 1, length = 0; at < part.length; at++) {
    while (length > 0 && part.charCodeAt(at) !== part.charCodeAt(length)) length = back[length - 1] ?? 0;
    if (part.charCodeAt(at) === part.charCodeAt(length)) length++;
    back[at] = length;
  }
  return back;
}
