// What an issuer says of itself at `/.well-known/openid-configuration`. Believed only if it is the issuer of the settings,
// and only addresses that nobody on the way can read or change.
import { isLoopback } from "../config/sign-in.ts";
import { whyNotPublic } from "../lib/public-url.ts";
import { failed, found, type Reading } from "./outcome.ts";

export interface IssuerMetadata {
  authorization_endpoint: string;
  token_endpoint: string;
  jwks_uri: string;
  userinfo_endpoint: string | null;
  end_session_endpoint: string | null;
  /** How a client with a secret proves itself; null if it can do so in no way that is known here. */
  client_proof: "basic" | "post" | null;
  /** Whether the issuer names itself when it sends a browser back. */
  names_itself: boolean;
}

const ADDRESS_CHARACTERS = 2048;

export function metadataAddress(issuer: string): string {
  return `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
}

export function readMetadata(body: Record<string, unknown>, issuer: string): Reading<IssuerMetadata> {
  if (body.issuer !== issuer) return failed("rejected", describeOther(body.issuer, issuer));
  const readAddress = (name: string) => (isGoodAddress(body[name], issuer) ? body[name] : null);
  const [authorization_endpoint, token_endpoint, jwks_uri] = [
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
  ].map(readAddress);
  if (!authorization_endpoint || !token_endpoint || !jwks_uri) {
    return failed("rejected", "metadata: an endpoint is missing, or its address is no https address");
  }
  return found({
    ...{ authorization_endpoint, token_endpoint, jwks_uri },
    userinfo_endpoint: readAddress("userinfo_endpoint"),
    end_session_endpoint: readAddress("end_session_endpoint"),
    client_proof: readProof(body.token_endpoint_auth_methods_supported),
    names_itself: body.authorization_response_iss_parameter_supported === true,
  });
}

/** The two mistakes that operators make have words of their own. */
function describeOther(named: unknown, issuer: string): string {
  if (typeof named !== "string") return "metadata: names no issuer";
  if (named.replace(/\/$/, "") === issuer.replace(/\/$/, "")) {
    return `metadata: the issuer ends ${named.endsWith("/") ? "with" : "without"} a slash, unlike OIDC_ISSUER`;
  }
  if (/[{}]/.test(named)) return "metadata: the issuer is one of many tenants; OIDC_ISSUER must name one tenant";
  return "metadata: of another issuer than OIDC_ISSUER";
}

/** As the issuer itself: over https, and in a private network only if the issuer is in one. */
function isGoodAddress(given: unknown, issuer: string): given is string {
  const url = typeof given === "string" && given.length <= ADDRESS_CHARACTERS ? URL.parse(given) : null;
  if (url === null || url.username !== "" || url.password !== "" || url.hash !== "") return false;
  const own = new URL(issuer);
  const isEncrypted = url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url) && isLoopback(own));
  return isEncrypted && (whyNotPublic(issuer) !== null || whyNotPublic(url.href) === null);
}

/** `client_secret_basic` is what an issuer takes that names nothing. */
function readProof(methods: unknown): IssuerMetadata["client_proof"] {
  if (!Array.isArray(methods) || methods.includes("client_secret_basic")) return "basic";
  return methods.includes("client_secret_post") ? "post" : null;
}
