// Receives the `budget.…` events of all users. A delivery may come twice and has one id; a cap tells each event once in
// its period.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface BudgetPayload {
  type: string;
  timestamp: string;
  data: {
    invocation_id: string;
    project_id: string | null;
    cap: { scope: string; name: string; limit?: number; period?: string };
  };
}

export interface Receiver {
  url: string;
  /** The ids of deliveries, by user and what they tell. */
  told: Map<string, Set<string>>;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const told = new Map<string, Set<string>>();
  const server = http.createServer((request, response) => {
    text(request).then(
      (body) => {
        note(told, request.url ?? "", String(request.headers["webhook-id"]), JSON.parse(body) as BudgetPayload);
        response.end();
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function note(
  told: Map<string, Set<string>>,
  user: string,
  id: string,
  { type, timestamp, data }: BudgetPayload,
): void {
  if (!type.startsWith("budget.")) return;
  const { scope, name, limit, period } = data.cap;
  // A project's is told once a day; the campaign may pass midnight.
  const place = scope === "project" ? [data.project_id, timestamp.slice(0, 10)] : period ? [] : [data.invocation_id];
  const key = [user, type, scope, name, period ?? limit, ...place].join(" ");
  told.set(key, (told.get(key) ?? new Set()).add(id));
}
