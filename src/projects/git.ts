// A project's access to git hosts: which URLs are allowed, and the credential that the user has stored for the host. A
// credential is sent only to the host it was stored for, over https. Plain http is allowed only if the operator allows
// private addresses, which rarely have certificates.
import { SandboxError } from "../agent/sandbox.ts";
import type { GitAccess } from "../agent/sandbox-git.ts";
import { describeError, logWarning } from "../lib/log.ts";
import { whyNotPublic } from "../lib/public-url.ts";
import type { Result } from "../protocol/error.ts";
import { type GitLogin, hostOfGitUrl } from "../protocol/git-credential.ts";
import type { SecretPorts } from "../secrets/sealed.ts";
import { findGitLogin } from "./git-credentials.ts";

export interface GitScope extends SecretPorts {
  private_urls_allowed: boolean;
  user_id: string;
}

export function createGitAccess(scope: GitScope): GitAccess {
  return {
    findLogin: async (url) => {
      const host = hostOfGitUrl(url);
      if (host === null)
        throw new SandboxError("invalid", "Repositories are reached over https, without a password in the address.");
      const why = scope.private_urls_allowed ? null : whyNotPublic(url);
      if (why !== null)
        throw new SandboxError(
          "refused",
          `${host} is not reached: it ${why}, and the server's settings don't permit that.`,
        );
      const found = await readLogin(scope, host);
      if (!found.ok) throw new SandboxError("failed", found.error.detail);
      if (found.value !== null && URL.parse(url)?.protocol !== "https:" && !scope.private_urls_allowed) {
        throw new SandboxError(
          "refused",
          `The credential that is stored for ${host} is sent over https only. Use the https address.`,
        );
      }
      return found.value;
    },
  };
}

async function readLogin(scope: GitScope, host: string): Promise<Result<GitLogin | null>> {
  try {
    return await findGitLogin(scope, scope.user_id, host);
  } catch (error) {
    logWarning("git_credential_unread", { user_id: scope.user_id, error: describeError(error) });
    throw new SandboxError("failed", "The stored credentials can't be read just now. Try again.");
  }
}
