// The issuer of the settings: its metadata and keys, kept in memory for a while. Only answers are kept and never
// promises, since a request can't wait for what another request has asked.
import type { SignInSettings } from "../config/sign-in.ts";
import { type Send, sendAnywhere } from "../lib/network/send.ts";
import { type PublicKey, readKeys } from "./keys.ts";
import { type IssuerMetadata, metadataAddress, readMetadata } from "./metadata.ts";
import { failed, type Reading } from "./outcome.ts";
import { askIssuer } from "./request.ts";

/** Endpoints change with a new release of the issuer. */
const METADATA_KEPT_MS = 3_600_000;
/** How long a key that the issuer withdrew is still believed. */
const KEYS_KEPT_MS = 15 * 60_000;
/** A token with a new key makes us ask again, but whoever sends such tokens does not make us flood the issuer. */
const KEYS_FRESH_MS = 10_000;
/** An issuer that fails is not asked again before. */
const FAILURE_KEPT_MS = 5_000;
/** As many requests ask at once. Others wait for their answer: anybody may begin a sign-in, as often as they like. */
const MAX_ASKING = 4;
/** One that has not come to its end by then was cut off with its client. Somewhat longer than an answer may take. */
const ASKING_MS = 10_000;
const LOOK_AGAIN_MS = 100;

export interface Issuer {
  settings: SignInSettings;
  send: Send;
  now: () => number;
  readMetadata(): Promise<Reading<IssuerMetadata>>;
  /** With `is_key_missing`, keys that are not quite new are read again. */
  readKeys(is_key_missing: boolean): Promise<Reading<PublicKey[]>>;
}

export interface IssuerPorts {
  send: Send;
  now: () => number;
}

/** The operator named the issuer, so it may be in a private network. */
const usualPorts: IssuerPorts = { send: sendAnywhere, now: () => Date.now() };

export function createIssuer(settings: SignInSettings, { send, now }: IssuerPorts = usualPorts): Issuer {
  const metadata = keep(now, async () => {
    const answer = await askIssuer(send, "metadata", metadataAddress(settings.issuer));
    if (!answer.ok) return answer;
    if (answer.value.status !== 200) return failed("rejected", `metadata: status ${answer.value.status}`);
    return readMetadata(answer.value.body, settings.issuer);
  });
  const keys = keep(now, async () => {
    const known = await metadata(METADATA_KEPT_MS);
    if (!known.ok) return known;
    const answer = await askIssuer(send, "keys", known.value.jwks_uri);
    return answer.ok ? readKeys(answer.value.body) : answer;
  });
  return {
    ...{ settings, send, now },
    readMetadata: () => metadata(METADATA_KEPT_MS),
    readKeys: (is_key_missing) => keys(is_key_missing ? KEYS_FRESH_MS : KEYS_KEPT_MS),
  };
}

function keep<T>(now: () => number, load: () => Promise<Reading<T>>): (max_age_ms: number) => Promise<Reading<T>> {
  let last: { reading: Reading<T>; at: number } | null = null;
  /** When those began that ask now. */
  let asking: number[] = [];
  const isBusy = () => asking.filter((at) => now() - at < ASKING_MS).length >= MAX_ASKING;
  return async (max_age_ms) => {
    for (let waited_ms = 0; ; waited_ms += LOOK_AGAIN_MS) {
      const kept_ms = last?.reading.ok ? max_age_ms : FAILURE_KEPT_MS;
      if (last !== null && now() - last.at < kept_ms) return last.reading;
      if (!isBusy()) break;
      if (waited_ms >= ASKING_MS) return failed("unavailable", "the issuer is being asked, and does not answer");
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    const begun_at = now();
    asking = [...asking.filter((at) => begun_at - at < ASKING_MS), begun_at];
    const reading = await load();
    last = { reading, at: now() };
    asking = asking.toSpliced(asking.indexOf(begun_at), asking.includes(begun_at) ? 1 : 0);
    return reading;
  };
}

const issuers = new WeakMap<SignInSettings, Issuer>();

/** Settings are parsed once for an isolate, and so is what is known of their issuer kept. */
export function issuerOf(settings: SignInSettings): Issuer {
  const issuer = issuers.get(settings) ?? createIssuer(settings);
  issuers.set(settings, issuer);
  return issuer;
}
