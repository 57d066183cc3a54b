// The one form of a domain's name, in which rules and hosts are compared.

/**
 * Lower case, punycode, without dots at its ends, a port, or `*.` before it. Null if the text is no domain or host.
 */
export function toDomain(text: string): string | null {
  const given = text.trim().replace(/^\*?\./, "");
  if (given === "" || /[\s/@?#\\]/.test(given)) return null;
  const host = URL.parse(`http://${given}`)?.hostname.replace(/(?<!\.)\.+$/, "") ?? "";
  return host === "" ? null : host;
}
