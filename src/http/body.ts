// Reads request bodies up to a limit of bytes and time, whether or not the request announces a length, and parses JSON.
// Together they have a bound, too: one that does not fit waits unread, and so does its client.
import { BODIES_BYTES, Room } from "../lib/memory/room.ts";
import { overloaded, Problem } from "./errors.ts";
import { describeBadJson } from "./input/json-place.ts";

/** The limit of every route but uploads. */
export const BODY_BYTES = 1024 * 1024;

/** The limit of an uploaded file, as on Cloudflare's usual plans. An upload is passed on as it arrives. */
export const UPLOAD_BYTES = 100 * 1024 * 1024;

// A client that sends its body slowly keeps a request open. A minute is ample for 1 MiB.
const BODY_MS = 60_000;

// Most clients read no response before they have sent the whole body. If the connection closes meanwhile, they see an
// error and not our refusal. So a body that is refused is read and dropped, within these bounds.
const DROPPED_BYTES = 16 * 1024 * 1024;
const DROPPED_MS = 2_000;

/** What the runtime itself reads and drops of a body that nobody has read. */
const DROPPED_BY_RUNTIME_BYTES = 64 * 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** One whose length nobody announced: more than most have. */
const UNKNOWN_BYTES = 16 * 1024;

/** Parses a body as JSON. An empty body is an empty object, because in most bodies every field is optional. */
export async function readJson(request: Request, owner = "", limit = BODY_BYTES): Promise<unknown> {
  const text = decode(await readBytes(request, limit, owner), request);
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem("bad_json", describeBadJson(error, text));
  }
}

const bodies = new Room("bodies", BODIES_BYTES);
const rooms = new WeakMap<Request, () => void>();

/** Gives back the room of a request's body, once it is answered. */
export function releaseBody(request: Request): void {
  rooms.get(request)?.();
  rooms.delete(request);
}

/** Rejects with `overloaded` if the isolate has no room for so much. */
async function enter(request: Request, bytes: number, owner: string): Promise<void> {
  releaseBody(request);
  const leave = await bodies.enter(bytes, { owner });
  if (leave === null) throw overloaded("requests");
  rooms.set(request, leave);
  // A client that is gone is not answered.
  request.signal.addEventListener("abort", leave, { once: true });
}

const tooLate = () => new Problem("bad_json", `The body did not arrive within ${BODY_MS / 1000} s.`);

/** Reads the bytes of a body, and never keeps more than the limit. `owner`: whose share of the room it takes. */
export async function readBytes(request: Request, limit: number, owner = ""): Promise<Uint8Array> {
  // Made only when it is thrown: an error looks up its stack.
  const tooLarge = () => new Problem("body_too_large", `The body is larger than ${limit} bytes.`);
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > limit + DROPPED_BYTES) {
    await request.body?.cancel();
    throw tooLarge();
  }
  if (!request.body) {
    if (announced > limit) throw tooLarge();
    return new Uint8Array();
  }
  const reader = request.body.getReader();
  if (announced > limit) {
    await dropRest(reader);
    throw tooLarge();
  }
  const makeRoom = async (bytes: number): Promise<number> => {
    try {
      await enter(request, bytes, owner);
      return bytes;
    } catch (error) {
      await dropRest(reader);
      throw error;
    }
  };
  let room = await makeRoom(announced > 0 ? announced : UNKNOWN_BYTES);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void reader.cancel();
  }, BODY_MS);
  // workerd rejects a read that is cancelled, or whose client has left or sends no HTTP.
  const next = () =>
    reader.read().catch(() => {
      throw late ? tooLate() : new Problem("bad_json", "The body broke off before its end.");
    });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (let read = await next(); !read.done; read = await next()) {
      size += read.value.byteLength;
      if (size > limit) {
        await dropRest(reader);
        throw tooLarge();
      }
      if (size > room) room = await makeRoom(limit);
      chunks.push(read.value);
      // The platform cuts a body at the length that was announced, so there is no end to wait for. Without one, a piece
      // may be empty.
      if (size === announced && size > 0) break;
    }
  } finally {
    clearTimeout(timer);
  }
  // Elsewhere a cancelled reader looks like the end of the body, but the client has not sent all of it.
  if (late) throw tooLate();
  return join(chunks, size);
}

/** Whether an answer to the request closes the connection while its body comes, unless `dropBody` is called before. */
export function isComing({ body, bodyUsed, headers }: Request): boolean {
  // This client reads the answer before it sends anything.
  if (body === null || bodyUsed || body.locked || headers.has("expect")) return false;
  const announced = headers.get("content-length");
  return announced === null || (Number(announced) > DROPPED_BY_RUNTIME_BYTES && Number(announced) <= DROPPED_BYTES);
}

/** Never rejects. */
export async function dropBody({ body }: Request): Promise<void> {
  if (body !== null) await dropRest(body.getReader());
}

async function dropRest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => void reader.cancel(), DROPPED_MS);
  let left = DROPPED_BYTES;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      left -= read.value.byteLength;
      if (left < 0) return await reader.cancel();
    }
  } catch {
    // The client has disconnected. The caller throws the refusal in any case.
  } finally {
    clearTimeout(timer);
  }
}

function join(chunks: Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (only && chunks.length === 1) return only;
  const bytes = new Uint8Array(size);
  let place = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, place);
    place += chunk.byteLength;
  }
  return bytes;
}

function decode(bytes: Uint8Array, { headers }: Request): string {
  try {
    return utf8.decode(bytes);
  } catch {
    // Only then: some clients name an encoding by mistake, and send text.
    const isEncoded = (headers.get("content-encoding") ?? "identity") !== "identity";
    const problem = isEncoded ? "compressed (Content-Encoding). Send it as it is." : "not valid UTF-8.";
    throw new Problem("bad_json", `The body is ${problem}`);
  }
}
