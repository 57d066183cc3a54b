// What leads to a Worker: subdomain, cron, routes, custom domains.
import { randomUUID } from "node:crypto";
import { type Account, findScript, type Zone } from "./account.ts";
import { answer, type Handler, readJson } from "./answers.ts";
import { ApiError } from "./api-error.ts";

export const readSubdomain: Handler = ({ account: { subdomain } }) => {
  if (subdomain === null) {
    throw new ApiError(404, 10_007, "You do not have a workers.dev subdomain. Please register one.");
  }
  return answer({ subdomain });
};

export const setSubdomain: Handler = ({ account, body }) => {
  const { subdomain } = readJson(body);
  if (typeof subdomain !== "string" || !/^[a-z0-9][a-z0-9-]{0,62}$/.test(subdomain)) {
    throw new ApiError(400, 10_033, "The subdomain is invalid");
  }
  if (account.subdomain !== null) throw new ApiError(409, 10_036, "The account has a subdomain");
  account.subdomain = subdomain;
  return answer({ subdomain });
};

/** The one of a Worker. */
export const enableSubdomain: Handler = ({ account, params, body }) => {
  const script = findScript(account, params.script);
  const { enabled, previews_enabled } = readJson(body);
  if (enabled === true && account.subdomain === null) {
    throw new ApiError(404, 10_063, "You need a workers.dev subdomain to use this feature");
  }
  script.subdomain = { enabled: enabled === true, previews_enabled: (previews_enabled ?? enabled) === true };
  return answer(script.subdomain);
};

const MAX_SCHEDULES = { paid: 250, free: 5 };

export const setSchedules: Handler = ({ account, params, body }) => {
  const script = findScript(account, params.script);
  const list = readJson(body) as unknown as { cron: string }[];
  const wrong = list.find(({ cron }) => !/^(?:[\d*/,A-Z#L?W-]+ ){4}[\d*/,A-Z#L?W-]+$/i.test(cron));
  if (wrong !== undefined) throw new ApiError(400, 10_100, `invalid cron string: ${wrong.cron}`);
  const others = [...account.scripts.values()].filter((other) => other !== script);
  const count = others.reduce((sum, { schedules }) => sum + schedules.length, list.length);
  if (count > (account.is_paid ? MAX_SCHEDULES.paid : MAX_SCHEDULES.free)) {
    throw new ApiError(400, 10_101, "The account has too many cron triggers");
  }
  script.schedules = list;
  return answer({ schedules: list });
};

/** All routes of a Worker at once; those that it had before go. */
export const setRoutes: Handler = ({ account, params, body }) => {
  const script = findScript(account, params.script);
  const patterns = (readJson(body) as unknown as { pattern: string }[]).map(({ pattern }) => pattern);
  for (const pattern of patterns) {
    findZone(account, hostOf(pattern));
    const owner = [...account.scripts.values()].find(
      ({ name, routes }) => name !== script.name && routes.includes(pattern),
    );
    if (owner)
      throw new ApiError(409, 10_020, `A route with the same pattern already exists: ${pattern} (${owner.name})`);
  }
  script.routes = patterns;
  return answer(patterns.map((pattern) => ({ pattern, script: script.name })));
};

interface Origin {
  hostname: string;
}

export const planDomains: Handler = ({ account, params, body }) => {
  const script = findScript(account, params.script);
  const origins = readJson(body) as unknown as Origin[];
  const added = origins.filter(({ hostname }) => !script.domains.includes(hostname));
  const conflicting = added.filter(({ hostname }) => findZone(account, hostname).records.includes(hostname));
  return answer({ added, removed: [], updated: [], conflicting });
};

export const setDomains: Handler = ({ account, params, body }) => {
  const script = findScript(account, params.script);
  const { origins, override_existing_dns_record: overrides } = readJson(body) as unknown as {
    origins: Origin[];
    override_existing_dns_record: boolean;
  };
  for (const { hostname } of origins) {
    const zone = findZone(account, hostname);
    if (zone.records.includes(hostname) && !overrides) {
      throw new ApiError(409, 100_117, `Hostname '${hostname}' already has externally managed DNS records`);
    }
  }
  script.domains = origins.map(({ hostname }) => hostname);
  return answer(origins.map((origin) => ({ id: randomUUID(), ...origin, service: script.name })));
};

export const listZones: Handler = ({ account, query }) => {
  const name = query.get("name");
  return answer(
    account.zones.filter((zone) => name === null || zone.name === name).map(({ id, name }) => ({ id, name })),
  );
};

export const listZoneRoutes: Handler = ({ account, params }) => {
  const zone = account.zones.find(({ id }) => id === params.zone);
  const all = [...account.scripts.values()].flatMap(({ name, routes }) =>
    routes.map((pattern) => ({ pattern, script: name })),
  );
  return answer(all.filter(({ pattern }) => zone !== undefined && isWithin(hostOf(pattern), zone)));
};

function findZone({ zones }: Account, host: string): Zone {
  const found = zones.find((zone) => isWithin(host, zone));
  if (found === undefined) throw new ApiError(400, 100_116, `No zone of this account has the host ${host}`);
  return found;
}

function isWithin(host: string, { name }: Zone): boolean {
  return host === name || host.endsWith(`.${name}`);
}

function hostOf(pattern: string): string {
  return (pattern.replace(/^https?:\/\//, "").split("/")[0] ?? "").replace(/^\*\.?/, "");
}
