import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../../config.ts";
import { servePreview } from "./host.ts";

afterEach(() => void vi.restoreAllMocks());

const link = `3000-${"a".repeat(26)}.previews.example`;

function ask(host: string, settings: Partial<Env> = {}): Promise<Response> | null {
  const DB = { prepare: () => expect.unreachable("D1 was asked") } as unknown as D1Database;
  const env = { DB, PREVIEW_DOMAIN: "Previews.example", ...settings } as Env;
  return servePreview(new Request(`https://${host}/v1/projects`, { headers: { authorization: "Bearer key" } }), env);
}

async function reasonAt(host: string, settings?: Partial<Env>): Promise<string> {
  const answer = (await ask(host, settings)) ?? Response.json({ reason: "the app" });
  return ((await answer.json()) as { reason: string }).reason;
}

describe("the domain of previews", () => {
  it("leaves every other host to the app, and all hosts if PREVIEW_DOMAIN is empty or not a domain", () => {
    expect(ask("agent.example")).toBeNull();
    expect(ask("evilpreviews.example")).toBeNull();
    expect(ask(link, { PREVIEW_DOMAIN: "" })).toBeNull();
    expect(ask(link, { PREVIEW_DOMAIN: "https://previews.example" })).toBeNull();
  });

  it("never serves the app on itself or a name under it, and queries D1 only for possible links", async () => {
    expect(await reasonAt("previews.example")).toBe("bad_domain");
    expect(await reasonAt("agent.previews.example")).toBe("unknown_link");
    for (const dots of [".", ".."]) expect(await reasonAt(link + dots)).toBe("unknown_link");
  });

  it("answers that a link can't be reached while D1 fails, without the reason", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const DB = { prepare: () => expect.unreachable("secret reason") } as unknown as D1Database;
    const answer = await ask(link, { DB });
    expect(answer?.status).toBe(503);
    expect(await answer?.text()).not.toContain("secret");
    expect(logged.mock.calls.join()).not.toContain("a".repeat(26));
  });
});
