// Answers to the page's requests about people, in place of the server's, for tests of what the page makes of them: sign-in
// without an issuer, sessions, accounts, the audit. All other requests reach the server, those of a session with the
// key of its user, as if the server had read the cookie.
import type { BrowserContext, Route } from "playwright-core";

export interface Answers {
  /** What the button for signing in names; null where people can't. */
  issuer: string | null;
  /** Whether the browser holds a session that the server knows. */
  isSignedIn: boolean;
  /** Where people go when they sign out. */
  redirect_to: string | null;
  /** Answered in place of the server, by method and path. `*` stands for one part of the path. */
  more: Record<string, (asked: Asked) => unknown>;
  asked: Asked[];
}

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
  hasKey: boolean;
}

export interface Person {
  /** Of the server: with it the session's requests are made. */
  key: string;
  me: { user_id: string; name: string | null; is_admin?: boolean; scopes: string[] };
}

const session_id = "sess_01jdf3k8x2m4n6p8q0r2s4t6v8";
const refusal = { status: 401, json: { code: "unauthorized", title: "Not signed in" } };

export async function answerForPeople(context: BrowserContext, { key, me }: Person): Promise<Answers> {
  const answers: Answers = { issuer: "Example", isSignedIn: false, redirect_to: null, more: {}, asked: [] };
  const own: Answers["more"] = {
    "GET /auth/sign-in": () => {
      answers.isSignedIn = true;
    },
    "POST /auth/sign-out": () => {
      answers.isSignedIn = false;
      return { redirect_to: answers.redirect_to };
    },
  };
  await context.route(/\/(healthz|v1|ag-ui|auth)(\/|\?|$)/, async (route) => {
    const asked = read(route);
    answers.asked.push(asked);
    const { method, path, query, hasKey } = asked;
    // A page that is closed meanwhile waits for no answer.
    if (path === "/healthz") return await answerHealth(route, answers).catch(() => {});
    const isSession = answers.isSignedIn && !hasKey;
    if (!isSession && !hasKey && !path.startsWith("/auth/")) return route.fulfill(refusal);
    if (isSession && path === "/v1/users/me") {
      const expires_at = new Date(Date.now() + 86_400_000).toISOString();
      return route.fulfill({ json: { is_admin: false, ...me, key_id: session_id, expires_at } });
    }
    const answer = find(answers.more, method, path) ?? find(own, method, path);
    if (answer === undefined) {
      const headers = { ...route.request().headers(), ...(isSession && { authorization: `Bearer ${key}` }) };
      return route.continue({ headers });
    }
    const json = answer(asked);
    if (path === "/auth/sign-in") {
      return route.fulfill({ status: 302, headers: { location: query.get("return_to") ?? "/" } });
    }
    return route.fulfill(json === undefined ? { status: 204 } : { json });
  });
  return answers;
}

function find(all: Answers["more"], method: string, path: string): ((asked: Asked) => unknown) | undefined {
  const given = `${method} ${path}`.split("/");
  const isAsked = (parts: string[]) =>
    parts.length === given.length && parts.every((part, at) => part === "*" || part === given[at]);
  return Object.entries(all).find(([name]) => isAsked(name.split("/")))?.[1];
}

function read(route: Route): Asked {
  const request = route.request();
  const { pathname, searchParams } = new URL(request.url());
  const text = request.postData();
  const body = text?.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
  const hasKey = "authorization" in request.headers();
  return { method: request.method(), path: pathname, query: searchParams, body, hasKey };
}

async function answerHealth(route: Route, { issuer }: Answers): Promise<void> {
  const health = (await (await route.fetch()).json()) as object;
  await route.fulfill({ json: { ...health, sign_in: issuer === null ? null : { name: issuer } } });
}
