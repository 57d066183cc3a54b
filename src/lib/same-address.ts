// Whether two addresses are the same one, spelled in different ways.

/** The address as it is requested: no fragment is sent, and the URL parser knows default ports and upper case. */
export function isSameAddress(one: string, other: string): boolean {
  return normalize(one) === normalize(other);
}

function normalize(address: string): string {
  const url = URL.parse(address);
  if (url === null) return address;
  url.hash = "";
  // `host.` names the same host as `host`.
  url.hostname = url.hostname.replace(/\.+$/, "");
  return url.href;
}
