// Whether Daytona answers and takes the key: one list of one sandbox, without the SDK, which retries and has no signal.
import { SandboxError } from "../../../agent/sandbox.ts";

interface Server {
  api_key: string;
  api_url: string;
}

export async function checkDaytona({ api_key, api_url }: Server, signal: AbortSignal): Promise<void> {
  const url = `${api_url.replace(/\/$/, "")}/sandbox?limit=1`;
  const headers = { authorization: `Bearer ${api_key}`, accept: "application/json" };
  const status = await ask(url, { headers, redirect: "manual", signal });
  if (status === null) throw new SandboxError("unavailable", "Daytona can't be reached. Check DAYTONA_API_URL.");
  if (status === 401 || status === 403) {
    throw new SandboxError("unavailable", `Daytona refused the key (status ${status}). Check DAYTONA_API_KEY.`);
  }
  if (status >= 500) throw new SandboxError("unavailable", `Daytona answers and fails (status ${status}).`);
  if (status >= 300 && status !== 429) {
    throw new SandboxError(
      "unavailable",
      `Something else than Daytona's API answers (status ${status}). Check DAYTONA_API_URL.`,
    );
  }
}

/** The answer's status; null without one. */
async function ask(url: string, init: RequestInit): Promise<number | null> {
  try {
    const response = await fetch(url, init);
    await response.body?.cancel();
    return response.status;
  } catch {
    return null;
  }
}
