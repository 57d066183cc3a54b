// An issuer that does what no issuer should: a test says how. It also notes what reaches it, for what must reach nobody.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface HostileIssuer {
  url: string;
  /** What it does at a path, in place of what is right. */
  acts: Map<string, Answer>;
  /** Makes the ID token, in place of a right one. */
  makeToken: (nonce: string) => Promise<string>;
  claimsFor(nonce: string): Record<string, unknown>;
  signing: { privateKey: CryptoKey; kid: string };
  nonce: string;
  /** Every request: its path and head. */
  heard: { path: string; headers: IncomingMessage["headers"] }[];
  reset(): void;
  close(): Promise<void>;
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export async function startHostileIssuer(client_id: string): Promise<HostileIssuer> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "key-1", alg: "RS256", use: "sig" };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", issuer.url);
    issuer.heard.push({ path: pathname, headers: request.headers });
    request.resume();
    const act = issuer.acts.get(pathname) ?? usual[pathname];
    if (act) act(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const usual: Record<string, Answer> = {
    "/.well-known/openid-configuration": (_, response) => sendJson(response, metadataOf(url)),
    "/keys": (_, response) => sendJson(response, { keys: [jwk] }),
    "/token": (_, response) => {
      void issuer.makeToken(issuer.nonce).then((id_token) => sendJson(response, { id_token, access_token: "access" }));
    },
  };
  const makeToken = (nonce: string) =>
    new SignJWT(issuer.claimsFor(nonce)).setProtectedHeader({ alg: "RS256", kid: "key-1" }).sign(privateKey);
  const issuer: HostileIssuer = {
    ...{ url, acts: new Map(), makeToken, nonce: "", heard: [] },
    signing: { privateKey: privateKey as CryptoKey, kid: "key-1" },
    claimsFor: (nonce) => {
      const now = Math.floor(Date.now() / 1000);
      const person = { sub: "victim", email: "victim@example.com", email_verified: true };
      return { iss: url, aud: client_id, nonce, iat: now, exp: now + 300, ...person };
    },
    reset: () => {
      issuer.acts.clear();
      issuer.heard.length = 0;
      issuer.makeToken = makeToken;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}

export function metadataOf(url: string): Record<string, unknown> {
  return {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/keys`,
    userinfo_endpoint: `${url}/me`,
  };
}
