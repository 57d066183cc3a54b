/**
 * Remotes of git that runs in a sandbox by itself, in a command: each run of git's helper for HTTP has a relay of its
 * own for as long as it lasts (see `relay.ts`, and `keeper/git-remote.ts` for the other end). The password is git's
 * own: it is asked for in the sandbox, as git does, and added out here.
 */
import type { Container } from "./container.ts";
import { frameKind, parseJson } from "./keeper/frames.ts";
import { Relay } from "./relay.ts";

/** More at once are not git's. */
const maxRelays = 32;

/** Serves until the sandbox ends. Never rejects. */
export async function relayGit(container: Container, privateUrlsAllowed: boolean): Promise<void> {
  const relays = new Map<number, Relay>();
  try {
    const channel = await container.open("git-relays");
    for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
      if (frame.kind !== frameKind.json) continue;
      const { open, address, close, relay, connection } = parseJson(frame);
      if (typeof open === "number" && relays.size < maxRelays) {
        const made = makeRelay(container, open, String(address), privateUrlsAllowed);
        if (made) relays.set(open, made);
      }
      if (typeof close === "number") {
        relays.get(close)?.close();
        relays.delete(close);
      }
      const found = relays.get(Number(relay));
      if (found?.isOpen) void takeOver(container, Number(connection), found);
    }
  } catch {
    // The sandbox has ended, or its keeper was tampered with.
  }
  for (const relay of relays.values()) relay.close();
}

function makeRelay(container: Container, id: number, address: string, privateUrlsAllowed: boolean): Relay | undefined {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") return undefined;
  url.username = "";
  url.password = "";
  return new Relay({
    ...{ repository: url, service: undefined, authorization: undefined, isInsecure: false },
    mayBePrivate: privateUrlsAllowed,
    findAuthorization: async () => {
      const login = (await container.ask("git-login", { relay: id })) as { username?: unknown; password?: unknown };
      if (typeof login?.username !== "string" || typeof login.password !== "string") return undefined;
      return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    },
  });
}

/** If the connection can't be taken over, git sees it fail. */
async function takeOver(container: Container, connection: number, relay: Relay): Promise<void> {
  try {
    relay.accept(await container.takeOver(connection));
  } catch {
    // The run or the sandbox has ended.
  }
}
