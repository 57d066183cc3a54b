// The way of a browser through a sign-in at the real issuer, and what the server knows afterwards.
import { type CookieClient, openCookieClient, targetOf } from "../setup/cookie-client.ts";
import { type OidcIssuer, startOidcIssuer } from "../setup/oidc-issuer.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";

export interface SignInStage {
  issuer: OidcIssuer;
  taskloom: Taskloom;
  users(): Promise<StoredUser[]>;
  audit(): Promise<{ action: string; outcome: string | null; user_id: string; details: Record<string, unknown> }[]>;
  close(): Promise<void>;
}

interface StoredUser {
  user_id: string;
  name: string | null;
  email: string | null;
  identity: string | null;
}

export async function openSignInStage(settings: Record<string, string> = {}): Promise<SignInStage> {
  const issuer = await startOidcIssuer();
  const taskloom = await startTaskloom({
    OIDC_ISSUER: issuer.url,
    OIDC_CLIENT_ID: issuer.client.client_id,
    OIDC_CLIENT_SECRET: issuer.client.client_secret,
    OIDC_NAME: "Example Inc.",
    OIDC_ALLOWED_DOMAINS: "example.com",
    ...settings,
  });
  await issuer.begin({ origin: taskloom.url });
  const read = async <Row>(query: string) =>
    (await (await taskloom.runtime.database()).prepare(query).all<Row>()).results;
  return {
    issuer,
    taskloom,
    users: () => read<StoredUser>("SELECT user_id, name, email, identity FROM users ORDER BY created_at, user_id"),
    audit: async () => {
      const rows = await read<{ action: string; outcome: string | null; user_id: string; details: string }>(
        "SELECT action, outcome, user_id, details FROM audit_entries ORDER BY entry_id",
      );
      return rows.map((row) => ({ ...row, details: JSON.parse(row.details) }));
    },
    close: async () => {
      await taskloom.close();
      await issuer.close();
    },
  };
}

/** Goes through the issuer's pages, and returns the address at which it sends the browser back. */
export async function approve(client: CookieClient, address: string, login: string, back: string): Promise<string> {
  let url = address;
  for (let step = 0; step < 20; step++) {
    if (url.startsWith(back)) return url;
    const response = await client.get(url);
    if (response.status >= 300 && response.status < 400) {
      url = targetOf(response, url);
      continue;
    }
    const text = await response.text();
    const [, action = "", prompt = ""] = /action="([^"]+)"[\s\S]*?name="prompt" value="(\w+)"/.exec(text) ?? [];
    if (action === "") throw new Error(`the issuer shows ${response.status} ${text.slice(0, 2_000)}`);
    const next = new URL(action, url).href;
    url = targetOf(await client.post(next, { prompt, login, password: "any" }), next);
  }
  throw new Error("the issuer's pages do not end");
}

export interface SignedIn {
  client: CookieClient;
  /** Where the browser came back. */
  callback: string;
  /** The answer there. */
  response: Response;
  /** Where that leads, without the origin. */
  place: string;
  session: string | undefined;
}

/** Signs in as `npm start`'s people do: plain http on this computer. */
export async function signIn(
  { taskloom: { url } }: Pick<SignInStage, "taskloom">,
  login: string,
  { return_to, client = openCookieClient() }: { return_to?: string; client?: CookieClient } = {},
): Promise<SignedIn> {
  const query = return_to === undefined ? "" : `?return_to=${encodeURIComponent(return_to)}`;
  const begun = await client.get(`${url}/auth/sign-in${query}`);
  const callback = await approve(client, targetOf(begun, url), login, `${url}/auth/callback`);
  return await comeBack(url, client, callback);
}

export async function comeBack(url: string, client: CookieClient, callback: string): Promise<SignedIn> {
  const response = await client.get(callback);
  const target = new URL(targetOf(response, callback));
  const place = target.href.startsWith(url) ? target.href.slice(new URL(url).origin.length) : target.href;
  return { client, callback, response, place, session: client.cookiesOf(url).get("taskloom-session") };
}
