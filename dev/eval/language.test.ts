import { describe, expect, it } from "vitest";
import { fits, readLanguage } from "./language.ts";

describe("readLanguage", () => {
  it.each([
    ["搭建环境", "zh"],
    ["用 React 和 TypeScript 实现购物车页面", "zh"],
    ["把需求写进 docs/requirements.md 并运行 `npm test`", "zh"],
    ["Set up the project", "en"],
    ["Write a page about 微信 for new users", "en"],
    ["Run `echo 你好` and read the output back", "en"],
    ["計画を立ててから作業します", "other"],
    ["391", null],
    ["", null],
    ["https://example.com/a/b", null],
  ])("%s → %s", (text, language) => {
    expect(readLanguage(text)).toBe(language);
  });

  it("handles megabytes of one word at once", () => {
    expect(readLanguage("a".repeat(2_000_000))).toBe("en");
    expect(readLanguage("a-".repeat(1_000_000))).toBeNull();
  });
});

describe("the language of a line of a plan", () => {
  it("allows mostly names in a Chinese plan, and no Chinese in an English one", () => {
    expect(fits("配置 Docker Compose Nginx Redis Postgres", "zh")).toBe(true);
    expect(fits("Configure Docker Compose", "zh")).toBe(false);
    expect(fits("README.md", "zh")).toBe(true);
    expect(fits("配置环境", "en")).toBe(false);
  });
});
