// The floor of what a Durable Object can cost: it asks the model and hands the answer on, byte by byte.
import { DurableObject } from "cloudflare:workers";

interface Env {
  OBJECTS: DurableObjectNamespace;
  MODEL_URL: string;
}

export class PassThrough extends DurableObject<Env> {
  override async fetch(request: Request): Promise<Response> {
    const { body, headers } = await fetch(`${this.env.MODEL_URL}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: request.body,
    });
    return new Response(body, { headers });
  }
}

export const door = {
  fetch(request, env) {
    const thread = new URL(request.url).searchParams.get("thread") ?? "";
    return env.OBJECTS.get(env.OBJECTS.idFromName(thread)).fetch(request);
  },
} satisfies ExportedHandler<Env>;
