// The paths of the API. The web page has all others.

/** Need a key, as do all paths below them. */
export const keyRoots = ["/v1", "/ag-ui"];

/** Have checks of their own or none, as do all paths below them. */
const openRoots = ["/auth", "/docs", "/hooks", "/integrations"];
const openPaths = new Set(["/healthz", "/openapi.json"]);

export function isApiPath(pathname: string): boolean {
  const isBelow = (root: string) => pathname === root || pathname.startsWith(`${root}/`);
  return openPaths.has(pathname) || keyRoots.some(isBelow) || openRoots.some(isBelow);
}
