// Says at a path that has no such method which ones it has.
import { hintAt } from "./hints.ts";

/** The methods of the API that a path has; none for a path that does not exist. */
export type MethodsAt = (path: string) => string[];

const inOrder = ["GET", "POST", "PUT", "PATCH", "DELETE"];

interface Route {
  method: string;
  path: string;
}

/** Compares only where a request found nothing. */
export function createMethodsAt(app: { routes: Route[] }): MethodsAt {
  let known: { method: string; parts: string[] }[] | null = null;
  return (asked) => {
    known ??= app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => ({ method, parts: path.split("/") }));
    const parts = asked.split("/");
    const found = known.filter((route) => isAt(route.parts, parts));
    return inOrder.filter((name) => found.some(({ method }) => method === name));
  };
}

function isAt(route: string[], asked: string[]): boolean {
  const fits = (part: string, at: number) => (part.startsWith(":") ? asked[at] !== "" : asked[at] === part);
  return route.length === asked.length && route.every(fits);
}

const list = new Intl.ListFormat("en");

export function hintFor(path: string, methodsAt: MethodsAt): string {
  const methods = methodsAt(path);
  if (methods.length > 0) return `It has ${list.format(methods)}.`;
  const isSlashed = path.endsWith("/") && methodsAt(path.slice(0, -1)).length > 0;
  return isSlashed ? "Leave out the slash at its end." : hintAt(path);
}
