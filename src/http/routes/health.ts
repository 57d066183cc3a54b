// Whether the server runs, and which stand-ins serve in place of a real model or sandbox.
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
      summary: "Whether the server runs",
      open: true,
      answers: { 200: { description: "It does.", schema: health } },
    },
    (context) => context.json({ status: "ok", version: VERSION, stand_ins: context.get("config").stand_ins }),
  );
}
