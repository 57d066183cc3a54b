// What the section of usage says.
import { defineWords } from "../../state/words.ts";

export const words = defineWords(
  {
    about:
      "Tokens that your runs used, over all conversations. A run counts for the day, in UTC, on which it was begun.",
    empty: "Nothing was used in this time. Usage is shown as soon as a run has worked.",
    period: "Time",
    days: (days: number) => `Last ${days} days`,
    total: "Tokens",
    input: "Input",
    cached: "Cached input",
    output: "Output",
    runs: "Runs",
    cost: "Cost",
    costUnknown: "The model tells none",
    share: (share: string) => `${share} of the input`,
    chart: "Tokens by day",
    chartHint: "The arrow keys go from day to day.",
    day: "Day",
    ariaLabel: (date: string, tokens: string, runs: string) => `${date}: ${tokens} tokens, ${runs} runs`,
    whole: "In all",
  },
  {
    about: "所有对话中运行所用的 token。每次运行计入其开始的那一天（UTC）。",
    empty: "这段时间没有用量。有运行工作后就会显示。",
    period: "时间",
    days: (days: number) => `最近 ${days} 天`,
    total: "Token",
    input: "输入",
    cached: "缓存输入",
    output: "输出",
    runs: "运行",
    cost: "费用",
    costUnknown: "模型未提供",
    share: (share: string) => `占输入的 ${share}`,
    chart: "每日 token 用量",
    chartHint: "用方向键逐日查看。",
    day: "日期",
    ariaLabel: (date: string, tokens: string, runs: string) => `${date}：${tokens} 个 token，${runs} 次运行`,
    whole: "合计",
  },
);
