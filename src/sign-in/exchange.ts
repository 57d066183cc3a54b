// Exchanges the code that came back for tokens, and asks for what the ID token does not say.
import type { Issuer } from "./issuer.ts";
import type { IssuerMetadata } from "./metadata.ts";
import { failed, found, type Reading } from "./outcome.ts";
import { askIssuer } from "./request.ts";

/** Entra's with hundreds of groups has 15 KB. */
const TOKEN_CHARACTERS = 64 * 1024;

export interface Tokens {
  id_token: string;
  access_token: string | null;
}

export interface Code {
  code: string;
  verifier: string;
  redirect_uri: string;
}

/** Errors of an issuer that the log may name: their words are known. */
const knownErrors = [
  ...["invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"],
  ...["invalid_scope", "server_error", "temporarily_unavailable"],
];

export async function exchangeCode(issuer: Issuer, metadata: IssuerMetadata, code: Code): Promise<Reading<Tokens>> {
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code: code.code,
    redirect_uri: code.redirect_uri,
    code_verifier: code.verifier,
  });
  const { client_id, client_secret } = issuer.settings;
  const proof = client_secret === null ? "none" : metadata.client_proof;
  if (proof === null)
    return failed("rejected", "token: the issuer takes a client's secret in no way that is known here");
  const headers: Record<string, string> = {
    "content-type": "application/x-www-form-urlencoded",
    accept: "application/json",
  };
  if (proof === "basic") headers.authorization = `Basic ${btoa(`${encode(client_id)}:${encode(client_secret ?? "")}`)}`;
  else form.set("client_id", client_id);
  if (proof === "post") form.set("client_secret", client_secret ?? "");
  const request = { method: "POST", headers, body: form.toString() };
  const answer = await askIssuer(issuer.send, "token", metadata.token_endpoint, request);
  return answer.ok ? readTokens(answer.value.status, answer.value.body) : answer;
}

function readTokens(status: number, body: Record<string, unknown>): Reading<Tokens> {
  if (status !== 200) {
    const error = knownErrors.find((word) => word === body.error) ?? "an unknown error";
    // The code was used, or is too old: the person can begin again.
    return failed(error === "invalid_grant" ? "expired" : "rejected", `token: status ${status}, ${error}`);
  }
  const { id_token, access_token } = body;
  if (typeof id_token !== "string" || id_token === "") return failed("rejected", "token: no ID token");
  if (id_token.length > TOKEN_CHARACTERS) return failed("rejected", "token: the ID token is too long");
  const usable = typeof access_token === "string" && /^[!-~]{1,65536}$/.test(access_token);
  return found({ id_token, access_token: usable ? access_token : null });
}

/** What the issuer says of that person beside the ID token. Null if it says nothing, or something of somebody else. */
export async function askUserInfo(
  issuer: Issuer,
  { userinfo_endpoint }: IssuerMetadata,
  access_token: string | null,
  subject: string,
): Promise<Record<string, unknown> | null> {
  if (userinfo_endpoint === null || access_token === null) return null;
  const headers = { authorization: `Bearer ${access_token}`, accept: "application/json" };
  const answer = await askIssuer(issuer.send, "userinfo", userinfo_endpoint, { headers });
  return answer.ok && answer.value.status === 200 && answer.value.body.sub === subject ? answer.value.body : null;
}

/** RFC 6749, 2.3.1: as in a form, then in base64. */
function encode(text: string): string {
  return new URLSearchParams({ _: text }).toString().slice("_=".length);
}
