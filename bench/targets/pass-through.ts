// The lowest possible cost of a Durable Object: requests the model and forwards the response byte by byte.
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

export const publicEntrypoint = {
  fetch(request, env) {
    const thread = new URL(request.url).searchParams.get("thread") ?? "";
    return env.OBJECTS.get(env.OBJECTS.idFromName(thread)).fetch(request);
  },
} satisfies ExportedHandler<Env>;
