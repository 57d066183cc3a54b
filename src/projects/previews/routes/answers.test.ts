import { describe, expect, it } from "vitest";
import { answerVisitor, type PreviewReason } from "./answers.ts";

function ask(reason: PreviewReason, headers: Record<string, string>, method = "GET"): Response {
  return answerVisitor(new Request("http://3000-x.localhost/secret-path?a=<b>", { method, headers }), reason);
}

describe("the page for a visitor if no program answers", () => {
  it("is in the visitor's first language, and contains nothing from the request", async () => {
    const english = await ask("unknown_link", {
      accept: "text/html",
      "accept-language": "fr, en;q=0.8, zh;q=0.5",
    }).text();
    const chinese = await ask("unknown_link", { accept: "text/html", "accept-language": "zh-TW,en" }).text();
    expect(english).toContain('<html lang="en">');
    expect(chinese).toContain('<html lang="zh-CN">');
    expect(english).not.toContain("secret-path");
    expect(english).not.toContain("<script");
  });

  it("runs and loads only what its content security policy allows", async () => {
    const answer = ask("nothing_listens", { accept: "text/html" });
    const policy = answer.headers.get("content-security-policy") ?? "";
    const [, nonce = ""] = /script-src 'nonce-([^']+)'/.exec(policy) ?? [];
    const page = await answer.text();
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(page.match(/<(?:script|style)[^>]*>/g)).toEqual([`<style nonce="${nonce}">`, `<script nonce="${nonce}">`]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("is JSON for clients that don't accept HTML, and has no body for HEAD", async () => {
    const answer = ask("asleep", { accept: "*/*" });
    expect([answer.status, await answer.json()]).toMatchObject([503, { status: 503, reason: "asleep" }]);
    expect(await ask("asleep", { accept: "text/html" }, "HEAD").text()).toBe("");
  });

  it("does not reload by itself after a POST", async () => {
    expect(await ask("nothing_listens", { accept: "text/html" }, "POST").text()).not.toContain("<script");
  });
});
