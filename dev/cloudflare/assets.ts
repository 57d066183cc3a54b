// Files of the page: a session says which are missing, they come in buckets, and the last answer has the token that the
// Worker's upload needs.
import { randomUUID } from "node:crypto";
import { answer, type Exchange, type Handler, readJson } from "./answers.ts";
import { ApiError } from "./api-error.ts";

const MAX_FILES = { paid: 100_000, free: 20_000 };
const MAX_FILE_BYTES = 25 * 1024 * 1024;
/** Few, so that a page has several buckets. */
const BUCKET_FILES = 10;
const SESSION_SECONDS = 3600;

export const openSession: Handler = ({ account, body }) => {
  const { manifest } = readJson(body);
  const entries = Object.entries((manifest ?? {}) as Record<string, { hash: string; size: number }>);
  if (entries.length === 0 || entries.length > (account.is_paid ? MAX_FILES.paid : MAX_FILES.free))
    throw new ApiError(400, 10_304, "Invalid asset manifest");
  for (const [path, { hash, size }] of entries) {
    if (!path.startsWith("/") || !/^[0-9a-f]{32}$/.test(hash) || !(size >= 0)) {
      throw new ApiError(400, 10_304, `Invalid asset manifest entry ${path}`);
    }
    if (size > MAX_FILE_BYTES) throw new ApiError(400, 10_305, `Asset ${path} is too large`);
  }
  const id = randomUUID();
  account.sessions.set(id, new Map(entries.map(([path, { hash }]) => [path, hash])));
  const missing = [...new Set(entries.map(([, { hash }]) => hash))].filter((hash) => !account.files.has(hash));
  const buckets: string[][] = [];
  for (let place = 0; place < missing.length; place += BUCKET_FILES)
    buckets.push(missing.slice(place, place + BUCKET_FILES));
  return answer({ jwt: makeToken(id, missing.length === 0), buckets });
};

export const uploadFiles: Handler = async ({ account, headers, body, query }) => {
  const { session } = readToken(headers.get("authorization")?.replace(/^Bearer /, ""));
  const paths = account.sessions.get(session);
  if (paths === undefined) throw new ApiError(401, 10_000, "Authentication error");
  if (query.get("base64") !== "true") throw new ApiError(400, 10_306, "Files must be base64");
  const form = await readForm(headers, body);
  for (const [hash, file] of form) {
    if (!(file instanceof File) || ![...paths.values()].includes(hash)) {
      throw new ApiError(400, 10_306, `The file ${hash} is not of this session`);
    }
    account.files.set(hash, Buffer.from(await file.text(), "base64"));
  }
  const isComplete = [...paths.values()].every((hash) => account.files.has(hash));
  return answer(isComplete ? { jwt: makeToken(session, true) } : {});
};

/** The files of a session that is complete, by path. */
export function takeFiles({ account }: Pick<Exchange, "account">, jwt: string): Map<string, Buffer> {
  const { session, complete } = readToken(jwt);
  const paths = account.sessions.get(session);
  if (paths === undefined || !complete) throw new ApiError(400, 10_307, "The assets' completion token is invalid");
  return new Map([...paths].map(([path, hash]) => [path, account.files.get(hash) ?? Buffer.alloc(0)]));
}

export async function readForm(headers: Headers, body: Buffer): Promise<FormData> {
  const type = headers.get("content-type") ?? "";
  if (!type.startsWith("multipart/form-data"))
    throw new ApiError(400, 10_001, "Content-Type must be multipart/form-data");
  return new Response(body, { headers: { "content-type": type } }).formData();
}

/** Its payload is read by wrangler, too; nobody signs it here. */
function makeToken(session: string, complete: boolean): string {
  const exp = Math.floor(Date.now() / 1000) + SESSION_SECONDS;
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ session, complete, exp })}.stand-in`;
}

function readToken(jwt: string | undefined): { session: string; complete: boolean } {
  try {
    const payload = Buffer.from((jwt ?? "").split(".")[1] ?? "", "base64url").toString();
    return JSON.parse(payload) as { session: string; complete: boolean };
  } catch {
    throw new ApiError(401, 10_000, "Authentication error");
  }
}
