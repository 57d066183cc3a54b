// A real issuer of OpenID Connect on loopback: `oidc-provider` with its own pages, where any name signs in.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";

export interface Account {
  email?: string;
  email_verified?: boolean;
  name?: string;
}

export interface OidcIssuer {
  url: string;
  client: { client_id: string; client_secret: string };
  /** What the issuer says of a person, by the name with which they sign in there. */
  accounts: Map<string, Account>;
  /** What it was asked, by path. */
  asked: string[];
  /** Serves with a new key from now on; whoever was signed in there is not any more. */
  begin(options?: IssuerOptions): Promise<void>;
  close(): Promise<void>;
}

export interface IssuerOptions {
  /** Where the client's people come back. */
  origin?: string;
  /** Whether emails are in the ID token, and not only in `userinfo`. */
  emails_in_token?: boolean;
  proof?: "client_secret_basic" | "client_secret_post" | "none";
}

export async function startOidcIssuer(): Promise<OidcIssuer> {
  const asked: string[] = [];
  let serve: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end();
  const server: Server = createServer((request, response) => {
    asked.push(new URL(request.url ?? "/", "http://issuer").pathname);
    serve(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = { client_id: "taskloom", client_secret: "secret-of-the-tests:+/%" };
  const accounts: OidcIssuer["accounts"] = new Map();
  let latest: IssuerOptions = {};
  return {
    ...{ url, client, accounts, asked },
    begin: async (options = {}) => {
      latest = { ...latest, ...options };
      serve = await provide(url, client, accounts, latest);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let keysMade = 0;

async function provide(
  url: string,
  client: OidcIssuer["client"],
  accounts: OidcIssuer["accounts"],
  { origin = "http://127.0.0.1:1", emails_in_token = true, proof = "client_secret_basic" }: IssuerOptions,
) {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  keysMade += 1;
  const key = { ...(await exportJWK(privateKey)), kid: `key-${keysMade}`, use: "sig", alg: "RS256" };
  const { client_id, client_secret } = client;
  const registered = {
    client_id,
    ...(proof === "none" ? {} : { client_secret }),
    token_endpoint_auth_method: proof,
    redirect_uris: [`${origin}/auth/callback`],
    post_logout_redirect_uris: [`${origin}/`],
  };
  const provider = new Provider(url, {
    clients: [registered],
    jwks: { keys: [key] },
    cookies: { keys: ["cookies of the tests"] },
    claims: { email: ["email", "email_verified"], profile: ["name"] },
    clientAuthMethods: [proof],
    conformIdTokenClaims: !emails_in_token,
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: async () => ({ sub, ...accounts.get(sub) }),
    }),
  });
  return provider.callback();
}
