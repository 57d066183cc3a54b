// Where a browser goes once its person is signed in: a path of this origin and nothing else. A sign-in that leads
// elsewhere would lend its trust to whoever wrote the link.

/** The page's own addresses are far shorter, and the path travels in a cookie. */
const MAX_CHARACTERS = 512;

/** `/` for whatever is not a path of this origin. */
export function readReturnTo(given: string | undefined): string {
  return given !== undefined && isOwnPath(given) ? given : "/";
}

/**
 * Browsers drop tabs and line ends, take `\` for `/`, and `//host` for another origin, also where `/./` becomes `//`. So
 * the text has none of the first two, and is judged as a browser reads it.
 */
function isOwnPath(given: string): boolean {
  if (given.length > MAX_CHARACTERS || !/^\/[!-[\]-~]*$/.test(given)) return false;
  const origin = "https://own.invalid";
  const url = URL.parse(given, origin);
  if (url === null || url.origin !== origin || url.username !== "" || url.pathname.startsWith("//")) return false;
  // It would begin again.
  return !/^\/auth(?:\/|$)/i.test(url.pathname);
}
