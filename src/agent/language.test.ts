import { describe, expect, it } from "vitest";
import { isChinese } from "./language.ts";

describe("the language of a text", () => {
  it.each([
    "帮我 build an online shop",
    "需求分析",
    "部署好了：https://3000-0b6f2a7e-41b8-4f0a-9d35-8c2d1e4f5a6b.localhost:8787",
    "请确认：`npm install --save-dev vitest playwright-core typescript`",
    "关于「边缘数据库」的报告写好了。SQLite with replicas: Reads 4 ms, Writes 60 ms, Consistency eventual [1]",
  ])("is Chinese where much of it is quoted or code: %s", (text) => {
    expect(isChinese(text)).toBe(true);
  });

  it.each([
    "",
    "A shop",
    "I read two surveys of remote work: Meetings in remote teams [2] and 远程办公调查 [4]. Both name the commute first.",
  ])("is not Chinese where it names a Chinese page: %s", (text) => {
    expect(isChinese(text)).toBe(false);
  });
});
