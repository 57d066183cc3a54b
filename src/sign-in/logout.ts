// Where a browser goes to sign out at the issuer, too (RP-Initiated Logout).
import type { SignInSettings } from "../config/sign-in.ts";
import { type Issuer, issuerOf } from "./issuer.ts";

/**
 * The issuer's page that ends the session there, which then leads back to `back_to`; null if the issuer has none, or
 * can't be asked. Nothing of the person is in it: this server keeps no ID token, so the issuer may ask them once more.
 */
export async function logoutAddress(
  settings: SignInSettings,
  back_to: string,
  issuer: Pick<Issuer, "readMetadata"> = issuerOf(settings),
): Promise<string | null> {
  const metadata = await issuer.readMetadata();
  if (!metadata.ok || metadata.value.end_session_endpoint === null) return null;
  const url = new URL(metadata.value.end_session_endpoint);
  url.searchParams.set("client_id", settings.client_id);
  url.searchParams.set("post_logout_redirect_uri", back_to);
  return url.href;
}
