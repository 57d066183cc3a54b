// A complete server on which a test can end the lives of objects while the Worker and its connections stay.
import { startTaskloom, type Taskloom } from "./harness.ts";

export interface MortalTaskloom extends Taskloom {
  endLife(thread_id: string): Promise<void>;
}

export async function startMortalTaskloom(settings: Record<string, string> = {}): Promise<MortalTaskloom> {
  const taskloom = await startTaskloom(settings, "test/e2e/mortal-worker.ts");
  return {
    ...taskloom,
    async endLife(thread_id) {
      const object = encodeURIComponent(`user_first/${thread_id}`);
      const response = await fetch(`${taskloom.url}/hooks/end-life?object=${object}`, { method: "POST" });
      if (response.status !== 204) throw new Error(`the life was not ended: ${response.status}`);
    },
  };
}
