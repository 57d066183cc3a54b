// The Worker with a route that ends one life of a thread's object from outside, as a crash of it would: the Worker and
// its connections stay.
import type { Env } from "../../src/config.ts";
import worker, { ThreadObject as Whole } from "../../src/index.ts";

export class ThreadObject extends Whole {
  endLife(): void {
    this.ctx.abort("ended by the test");
  }
}

// biome-ignore lint/style/noDefaultExport: a Worker's entry is one.
export default {
  ...worker,
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    // Under a path that is not the page's.
    if (pathname !== "/hooks/end-life") return worker.fetch(request, env, context);
    const stub = env.THREADS.get(env.THREADS.idFromName(searchParams.get("object") ?? ""));
    await (stub as unknown as { endLife(): Promise<void> }).endLife().catch(() => {});
    return new Response(null, { status: 204 });
  },
} satisfies ExportedHandler<Env>;
