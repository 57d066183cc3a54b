// The key that the banner shows, and that signs in. On a new server it is the first user's own, so that ADMIN_API_KEY
// administers and nothing else. It is made once, through the API as anybody's is, and kept in the state folder as
// `start/key`. A server that gets ADMIN_API_KEY from a person continues with that key: programs may have it.

/** How a key for `npm start` is named, in lists of keys. */
const USUAL_NAME = "npm start";

export interface KeyFile {
  path: string;
  /** Null if there is none yet. */
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
  /** Where the file of a key of the first user is; null on a server that continues with the admin key. */
  file: KeyFile | null;
  /** How a key that is made is named. Another one of this name is deleted. */
  name?: string;
}

export async function findSignInKey(server: Server): Promise<SignIn> {
  const { url, admin_key, file } = server;
  const kept = (await file?.read())?.trim();
  if (kept && (await mayWrite(url, kept))) return { key: kept, notes: [] };
  const state = await readState(server);
  if (state !== "active") {
    // The key that is kept is good again once the user is enabled.
    return { key: admin_key, notes: [`the key is ADMIN_API_KEY and only administers, since user_first is ${state}.`] };
  }
  const made = file && (await makeKey(server, file));
  if (made) return { key: made, notes: [] };
  // A note is no reason not to start.
  const note = await describeAdminKey(url, admin_key).catch(() => "the key is ADMIN_API_KEY.");
  return { key: admin_key, notes: [note] };
}

async function readState({ url, admin_key }: Server): Promise<string> {
  const user = (await ask(url, admin_key, "GET", "/v1/users/user_first")) as { state: string } | null;
  return user?.state ?? "active";
}

async function describeAdminKey(url: string, admin_key: string): Promise<string> {
  return (await mayWrite(url, admin_key))
    ? "the key is ADMIN_API_KEY, which also makes users. Once you make a key of your own (Settings → API keys), ADMIN_API_KEY only manages users."
    : "the key is ADMIN_API_KEY and only administers, since user_first has a key of its own or ADMIN_KEY_ONLY_ADMIN is set: sign in with a user's key (docs/operating.md).";
}

/** Null if the first user has another key by now: then the admin key makes none for it. */
async function makeKey({ url, admin_key, name: own = USUAL_NAME }: Server, file: KeyFile): Promise<string | null> {
  // Of a start that was ended before it kept the key, which nobody has now.
  const keys = "/v1/users/user_first/api-keys";
  const { data } = (await ask(url, admin_key, "GET", keys)) as { data: { key_id: string; name: string | null }[] };
  for (const { key_id } of data.filter(({ name }) => name === own)) {
    await ask(url, admin_key, "DELETE", `${keys}/${key_id}`);
  }
  const made = await ask(url, admin_key, "POST", "/v1/api-keys", { name: own });
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
