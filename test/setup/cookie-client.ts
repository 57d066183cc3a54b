// A browser without a page: keeps cookies by host and follows no redirect by itself. For tests of what a server sets and
// takes, step by step.

export interface CookieClient {
  /** The cookies of a host, by name. */
  cookiesOf(url: string): Map<string, string>;
  get(url: string): Promise<Response>;
  post(url: string, fields: Record<string, string>): Promise<Response>;
}

export function openCookieClient(): CookieClient {
  const hosts = new Map<string, Map<string, string>>();
  const cookiesOf: CookieClient["cookiesOf"] = (url) => {
    const { host } = new URL(url);
    const known = hosts.get(host) ?? new Map<string, string>();
    hosts.set(host, known);
    return known;
  };
  const send = async (url: string, init: RequestInit): Promise<Response> => {
    const jar = cookiesOf(url);
    const cookie = Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { ...init, redirect: "manual", headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "" || /max-age=0|expires=thu, 01 jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  };
  return {
    cookiesOf,
    get: (url) => send(url, {}),
    post: (url, fields) => send(url, { method: "POST", body: new URLSearchParams(fields) }),
  };
}

/** Where a redirect leads. */
export function targetOf(response: Response, from: string): string {
  const location = response.headers.get("location");
  if (location === null) throw new Error(`${response.status} of ${from} leads nowhere`);
  return new URL(location, from).href;
}
