// Dates in a person's time zone.

/** The longest IANA name has 32 characters. */
export const MAX_ZONE_CHARACTERS = 64;

/** The name, in its usual spelling where only its case differs; null if the name is no IANA time zone. An offset such as `+01:00` is none. */
export function readTimeZone(name: string): string | null {
  if (name.length > MAX_ZONE_CHARACTERS || !/^[A-Za-z]/.test(name)) return null;
  try {
    return zoneOf(name).name;
  } catch {
    return null;
  }
}

/** People name some forty zones. Whoever names all of them, in every case of their letters, must not fill the memory. */
const MAX_FORMATS = 50;

interface Zone {
  name: string;
  format: Intl.DateTimeFormat;
  /** The newest day that was asked for, and its quarter of an hour. */
  day: { quarter: number; date: string; weekday: string };
}

/** A format takes about 30 µs to make, its own name and a day some 10 µs each, and every run needs all of them. */
const zones = new Map<string, Zone>();

/** Throws if there is no such zone. */
function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    weekday: "long",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  const { timeZone } = format.resolvedOptions();
  const zone: Zone = {
    // Some engines answer with a former name of the zone.
    name: timeZone.toLowerCase() === name.toLowerCase() ? timeZone : name,
    format,
    day: { quarter: Number.NaN, date: "", weekday: "" },
  };
  if (zones.size >= MAX_FORMATS) zones.clear();
  zones.set(name, zone);
  return zone;
}

/** All zones of our time begin their days at a quarter of an hour of UTC. */
const QUARTER_MS = 15 * 60_000;

/** The day at a time (milliseconds since the epoch): its date as `2026-11-27` and its weekday in English. */
export function dayIn(timeZone: string, at: number): { date: string; weekday: string } {
  const zone = zoneOf(timeZone);
  const quarter = Math.floor(at / QUARTER_MS);
  if (zone.day.quarter !== quarter) {
    const parts = Object.fromEntries(zone.format.formatToParts(at).map(({ type, value }) => [type, value]));
    zone.day = { quarter, date: `${parts.year}-${parts.month}-${parts.day}`, weekday: parts.weekday ?? "" };
  }
  const { date, weekday } = zone.day;
  return { date, weekday };
}
