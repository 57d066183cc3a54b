import { describe, expect, it } from "vitest";
import { readTopic } from "../intent.ts";
import { isAbout, readTopicWords } from "./topic.ts";

describe("the topic of a request", () => {
  it.each([
    ["research edge databases and write a report with figures and sources", "edge databases"],
    ["Write a report with figures and sources on edge databases.", "edge databases"],
    ["write a research report about tea with sources", "tea"],
    ["调研边缘数据库并写一份带来源的报告", "边缘数据库"],
    ["研究远程办公，要有数据和来源", "远程办公"],
    ["查一下远程办公的最新数据，注明来源", "远程办公"],
    ["请调研一下新能源汽车市场，并写一份带来源的报告", "新能源汽车市场"],
    ["帮我写一份远程办公的调研报告，要有数据和来源", "远程办公"],
    ["调研企业并购市场", "企业并购市场"],
    ["写一份关于茶叶市场的报告，附来源", "茶叶市场"],
    ["帮我查一下茶叶市场的数据，写成报告", "茶叶市场"],
    ["compare edge databases and write a report", "edge databases"],
    ["look up remote work, then write a report", "remote work"],
  ])("is known from its words: %s", (text, topic) => {
    expect(readTopic({ text, answers: [] })).toBe(topic);
  });
});

describe("a search for a topic", () => {
  it("is made in the other language too, where the script knows all of its words", () => {
    expect(readTopicWords("边缘数据库").queries).toEqual(["边缘数据库", "边缘数据库 数据", "edge databases"]);
    expect(readTopicWords("tea market").queries).toEqual(["tea market", "tea market figures", "茶叶"]);
    expect(readTopicWords("量子数据库").queries).toHaveLength(2);
    expect(readTopicWords("remote work in Norway").queries).toHaveLength(2);
  });

  it("has other words for a second try", () => {
    expect(readTopicWords("submarine cable repair ships").other_queries).toEqual(["submarine cable", "repair ships"]);
    expect(readTopicWords("量子计算芯片").other_queries).toEqual(["量子 计算", "芯片"]);
    expect(readTopicWords("tea").other_queries).toEqual(["tea statistics"]);
  });

  it.each([
    ["edge databases", "Edge latency, measured from 38 cities", true],
    ["remote work in Europe", "A survey of remote work", true],
    ["remote work in Europe", "Rent of a desk in Europe", false],
    ["tea market", "Three designs share the market for databases", false],
    ["新能源汽车市场", "新能源汽车销量", true],
    ["新能源汽车市场", "茶叶市场", false],
    ["远程办公", "Remote work in numbers", true],
  ])("for %j takes %j for what it is about: %s", (topic, text, expected) => {
    expect(isAbout(readTopicWords(topic), text)).toBe(expected);
  });
});
