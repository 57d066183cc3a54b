// The key that the banner shows, and that signs in. On a new server it is the first user's own, so that ADMIN_API_KEY
// administers and nothing else. It is made once, through the API as anybody's is, and kept in the state folder. A server
// from before goes on with ADMIN_API_KEY, as does one that gets that key from a person: programs may have it.

/** How a key for `npm start` is named, in lists of keys. */
const NAME = "npm start";

export interface KeyFile {
  path: string;
  /** Null if there is none; empty if a start was ended while it made the key. */
  read(): Promise<string | null>;
  write(key: string): Promise<void>;
}

export interface SignIn {
  key: string;
  /** For the banner. */
  notes: string[];
}

interface Server {
  url: string;
  admin_key: string;
  /** Nothing has been stored yet. */
  isNew: boolean;
  /** A person gave the admin key. */
  isGiven: boolean;
}

export async function findSignInKey(server: Server, file: KeyFile): Promise<SignIn> {
  const kept = (await file.read())?.trim() ?? null;
  if (kept && (await mayWrite(server.url, kept))) return { key: kept, notes: [] };
  const isOurs = kept !== null || (server.isNew && !server.isGiven);
  const made = isOurs ? await makeKey(server, file) : null;
  if (made !== null) return { key: made, notes: [] };
  return { key: server.admin_key, notes: [await describeAdminKey(server, file)] };
}

async function describeAdminKey({ url, admin_key }: Server, file: KeyFile): Promise<string> {
  const keep = `keep it in ${file.path}: the next start shows that one`;
  return (await mayWrite(url, admin_key))
    ? `the key is ADMIN_API_KEY, which also makes users. When you make another one (Settings → API keys), this one only administers; ${keep}.`
    : `the key is ADMIN_API_KEY and only administers, since user_first has a key of its own. To sign in, use that one, or ${keep}.`;
}

/** Null if the first user has another key by now: then the admin key makes none for it. */
async function makeKey({ url, admin_key }: Server, file: KeyFile): Promise<string | null> {
  // Written first: the next start then knows that a key was being made, which nobody has.
  await file.write("");
  const keys = "/v1/users/user_first/api-keys";
  const { data } = (await ask(url, admin_key, "GET", keys)) as { data: { key_id: string; name: string | null }[] };
  for (const { key_id } of data.filter(({ name }) => name === NAME)) {
    await ask(url, admin_key, "DELETE", `${keys}/${key_id}`);
  }
  const made = await ask(url, admin_key, "POST", "/v1/api-keys", { name: NAME });
  if (made === null) return null;
  const { key } = made as { key: string };
  await file.write(`${key}\n`);
  return key;
}

async function mayWrite(url: string, key: string): Promise<boolean> {
  const answer = (await ask(url, key, "GET", "/v1/users/me")) as { scopes: string[] } | null;
  return answer?.scopes.includes("write") ?? false;
}

/** Null if the key may not do this. */
async function ask(url: string, key: string, method: string, path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(`${url}${path}`, { method, headers, ...sent, signal: AbortSignal.timeout(30_000) });
  const text = await answer.text();
  if (answer.status === 401 || answer.status === 403) return null;
  if (!answer.ok) throw new Error(`the server did not answer ${method} ${path}: ${answer.status}`);
  return text === "" ? {} : JSON.parse(text);
}
