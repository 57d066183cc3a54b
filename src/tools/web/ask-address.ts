// What a public address answers, for checks. What holds for pages of `fetch_url` holds for it: the operator's domains,
// robots.txt, the quota, and one request at a time to a host. Private origins are for pages only.
import type { PublicAnswer } from "../../agent/checks/run/ports.ts";
import type { TakeUse } from "../../agent/tool.ts";
import type { Config } from "../../config.ts";
import { Room } from "../../lib/memory/room.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { lookupsUsedUp } from "../../protocol/money/quotas.ts";
import { downloadSettings } from "./fetch.ts";
import { checkAddress } from "./pages/address.ts";
import { type DownloadSettings, startClock, visit } from "./pages/download.ts";
import { look } from "./pages/look.ts";

export interface Asker {
  user_id: string;
  takeUse: TakeUse;
}

/** Rejects only when the signal aborts. */
export type AskAddress = (address: string, asker: Asker, signal: AbortSignal) => Promise<PublicAnswer>;

const MAX_SHOWN = 200;
/** Each has 64 KiB, as bytes and as text, and what comes before it is read. */
const LOOK_BYTES = 256 * 1024;
/** 16 at once, and eight of one user: each may last 20 seconds. */
const looks = new Room("looks", 16 * LOOK_BYTES);
/** The turn at a host lasts no longer: ten seconds are for room in memory, the others for the request. */
const TURN_MS = 30_000;

/** `own.send` reaches public addresses; other parts are for tests. */
export function createAskAddress(
  config: Pick<Config, "fetch" | "search">,
  own: Partial<DownloadSettings> = {},
): AskAddress {
  const { problem } = config.fetch;
  const settings = { ...downloadSettings(config, own), private_origins: [] };
  return async (address, { user_id, takeUse }, signal) => {
    if (problem !== null) return refuse(`A setting of this server is wrong, so it asks no address: ${problem}`);
    const checked = checkAddress(address, settings);
    if ("wrong" in checked) return refuse(`The address ${cutEnd(address, MAX_SHOWN)} ${checked.wrong}.`);
    const { url } = checked;
    const refusal = await takeUse();
    if (refusal !== null) return refuse(`${lookupsUsedUp(refusal.retry_after_s ?? 0)}.`);
    const answer = await visit(url, settings, startClock(TURN_MS), signal, async (means, inTurn) => {
      const leave = await looks.enter(LOOK_BYTES, { owner: user_id });
      if (leave === null)
        return refuse("This server asks too many addresses at the moment: run the check again later.");
      try {
        const seen = await startClock(settings.time_ms).run(inTurn, (each) => look(url, means, each));
        return seen ?? describeLate(url, settings);
      } finally {
        leave();
      }
    });
    return typeof answer === "string" ? refuse(answer) : (answer ?? describeLate(url, settings));
  };
}

function describeLate({ href }: URL, { time_ms }: DownloadSettings): PublicAnswer {
  const message = `${cutEnd(href, MAX_SHOWN)} gave no answer within ${time_ms / 1000} seconds.`;
  return { ok: false, refused: false, message };
}

function refuse(message: string): PublicAnswer {
  return { ok: false, refused: true, message };
}
