// Users with quotas of their own. All test files of the worker project share the server of sandboxes, so each file
// removes those of its users.
import { env } from "cloudflare:test";
import { Daytona } from "@daytonaio/sdk";
import { type Client, createClient } from "./http-client.ts";

export const daytona = new Daytona({
  apiKey: env.DAYTONA_API_KEY ?? "",
  apiUrl: env.DAYTONA_API_URL ?? "",
  useDeprecatedPolling: true,
});

export interface QuotaUsers {
  userWith(user_id: string, quotas: Record<string, number>): Promise<Client>;
  /** For a user that was made in another way. */
  note(user_id: string): void;
  removeSandboxes(): Promise<void>;
}

export async function giveQuotas(user_id: string, quotas: Record<string, number>): Promise<void> {
  await env.DB.prepare("UPDATE users SET quotas = ?2 WHERE user_id = ?1").bind(user_id, JSON.stringify(quotas)).run();
}

export function openQuotaUsers(): QuotaUsers {
  const app = createClient();
  const users = new Set<string>();
  return {
    userWith: async (user_id, quotas) => {
      users.add(user_id);
      const client = await app.addUser(user_id);
      await giveQuotas(user_id, quotas);
      return client;
    },
    note: (user_id) => void users.add(user_id),
    removeSandboxes: async () => {
      for await (const sandbox of daytona.list({ labels: { app: "taskloom" } })) {
        if (users.has(sandbox.labels?.user_id ?? "")) await sandbox.delete();
      }
    },
  };
}
