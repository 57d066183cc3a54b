// Users with quotas of what they have, and threads that only D1 knows.
import { env } from "cloudflare:test";
import { type Client, createClient } from "./http-client.ts";

export const stockClient = (DB: D1Database): Client => createClient({ DB, QUOTAS: "runs_per_minute=1000" });

export async function addUserWith(app: Client, user_id: string, quotas: Record<string, number>): Promise<Client> {
  const client = await app.addUser(user_id);
  await give(user_id, quotas);
  return client;
}

async function give(user_id: string, quotas: Record<string, number>): Promise<void> {
  await env.DB.prepare("UPDATE users SET quotas = ?2 WHERE user_id = ?1").bind(user_id, JSON.stringify(quotas)).run();
}

export const threadOf = async (user_id: string, thread_id: string) =>
  await env.DB.prepare(
    "INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, metadata) VALUES (?1, ?2, 'p', 'a', 1, '', '', '{}')",
  )
    .bind(user_id, thread_id)
    .run();
