// Formats times and numbers of the ledger in the page's language.

/** The two largest units: `12s`, `3m 4s`, `1h 20m`. */
export function formatDuration(seconds: number, locale: string): string {
  if (seconds > 0 && seconds < 1) return `<${formatDuration(1, locale)}`;
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const say = (count: number, unit: string): string =>
    new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "narrow" }).format(count);
  const parts =
    hours > 0
      ? [say(hours, "hour"), say(minutes, "minute")]
      : minutes > 0
        ? [say(minutes, "minute"), say(rest, "second")]
        : [say(rest, "second")];
  return parts.join(" ");
}

export function formatCount(count: number, locale: string): string {
  return new Intl.NumberFormat(locale, { notation: count >= 100_000 ? "compact" : "standard" }).format(count);
}
