// Dates in a person's time zone.

/** The longest IANA name has 32 characters. */
export const MAX_ZONE_CHARACTERS = 64;

/** The name, in its usual spelling where only its case differs; null if the name is no IANA time zone. An offset such as `+01:00` is none. */
export function readTimeZone(name: string): string | null {
  if (name.length > MAX_ZONE_CHARACTERS || !/^[A-Za-z]/.test(name)) return null;
  try {
    const { timeZone } = formatOf(name).resolvedOptions();
    // Some engines answer with a former name of the zone.
    return timeZone.toLowerCase() === name.toLowerCase() ? timeZone : name;
  } catch {
    return null;
  }
}

/** People name some forty zones. Whoever names all of them, in every case of their letters, must not fill the memory. */
const MAX_FORMATS = 50;

/** A format takes about 30 µs to make, and every run needs one. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Throws if there is no such zone. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    weekday: "long",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  if (formats.size >= MAX_FORMATS) formats.clear();
  formats.set(timeZone, format);
  return format;
}

/** The day at a time (milliseconds since the epoch): its date as `2026-11-27` and its weekday in English. */
export function dayIn(timeZone: string, at: number): { date: string; weekday: string } {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  return { date: `${parts.year}-${parts.month}-${parts.day}`, weekday: parts.weekday ?? "" };
}
