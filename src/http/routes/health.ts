// Whether the server runs, which stand-ins serve in place of a real model or sandbox, and how people sign in.
import type { App } from "../context.ts";
import { addOperation } from "../operation.ts";
import { health } from "../schemas.ts";
import { VERSION } from "../version.ts";

export function addHealth(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/healthz",
      tag: "Server",
      summary: "Read the server's health",
      description: "For probes. Also says which stand-ins serve, and what people sign in with.",
      open: true,
      answers: { 200: { description: "The server runs.", schema: health } },
    },
    (context) => {
      const { stand_ins, sign_in } = context.get("config");
      const offered = sign_in.settings && { name: sign_in.settings.name };
      return context.json({ status: "ok", version: VERSION, stand_ins, sign_in: offered });
    },
  );
}
