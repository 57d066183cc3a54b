// What the page says of costs, and of runs that ended because of them.
import type { CapScope } from "../../protocol/money/caps.ts";
import { defineWords } from "../state/words.ts";

type Scopes = Record<CapScope, string>;
const english: Scopes = {
  run: "this run's",
  agent: "the agent's",
  trigger: "the trigger's",
  project: "the project's",
  user: "your account's",
  deployment: "the server's",
};
const chinese: Scopes = {
  run: "这次运行",
  agent: "该智能体",
  trigger: "该触发器",
  project: "该项目",
  user: "你的账户",
  deployment: "服务器",
};

export const words = defineWords(
  {
    cost: "Usage and cost of this run",
    input: (count: string) => `${count} input tokens`,
    cached: (count: string) => `${count} cached`,
    output: (count: string) => `${count} output tokens`,
    reserved: (amount: string) => `up to ${amount} more for the current call`,
    estimated: (amount: string) => `${amount} of it estimated`,
    whyEstimated:
      "Calls that were cut off report no usage. They are charged at the most they can have used, so the actual amount may be lower.",
    tokens: (count: string) => `${count} tokens`,
    minutes: (count: string) => (count === "1" ? "1 minute" : `${count} minutes`),
    of: english,
    day: (date: string) => `for ${date}`,
    month: (date: string) => `for ${date}`,
    budget: "Stopped at a spending limit.",
    reached: (whose: string, limit: string, period: string) =>
      `Stopped at ${whose} limit${limit === "" ? "" : ` of ${limit}`}${period === "" ? "" : ` ${period}`}.`,
    held: (whose: string, limit: string, period: string) =>
      `Stopped: other runs have reserved what is left of ${whose} limit${limit === "" ? "" : ` of ${limit}`}${period === "" ? "" : ` ${period}`}. Send the message again when some of them have ended.`,
    tooLow: (whose: string, limit: string, period: string) =>
      `Stopped: ${whose} limit${limit === "" ? "" : ` of ${limit}`}${period === "" ? "" : ` ${period}`} is too low for the next model call.`,
    /** Between two sentences. */
    gap: " ",
    again: "The limit applies to each run. Send another message to continue.",
    raise: "Raise the limit where it is set, then send another message to continue.",
    wait: "The limit resets with the next period (UTC). An admin can raise it.",
    askAdmin: "An admin can raise it.",
    askOperator: "Only the server operator can raise it.",
    budgetUnavailable:
      "Stopped: spending limits couldn't be checked, so nothing more was spent. Try again in a few minutes.",
    priceUnknown:
      "Stopped: a spending limit applies here, but the server has no price for this model. Choose another model, or ask the server operator to set the price.",
  },
  {
    cost: "这次运行的用量和费用",
    input: (count) => `输入 ${count} token`,
    cached: (count) => `其中缓存 ${count}`,
    output: (count) => `输出 ${count} token`,
    reserved: (amount) => `当前调用最多还需 ${amount}`,
    estimated: (amount) => `其中 ${amount} 为估算`,
    whyEstimated: "中断的调用没有返回用量，按可能的最大用量计费，实际可能更少。",
    tokens: (count) => `${count} token`,
    minutes: (count) => `${count} 分钟`,
    of: chinese,
    day: (date) => `${date} 当日`,
    month: (date) => `${date} 当月`,
    budget: "已停止：达到费用上限。",
    reached: (whose, limit, period) =>
      `已停止：达到${whose}${period === "" ? "" : ` ${period}`}的上限${limit === "" ? "" : `（${limit}）`}。`,
    held: (whose, limit, period) =>
      `已停止：${whose}${period === "" ? "" : ` ${period}`}的上限${limit === "" ? "" : `（${limit}）`}的剩余额度已被其他运行预留。等其中一些运行结束后，请重新发送消息。`,
    tooLow: (whose, limit, period) =>
      `已停止：${whose}${period === "" ? "" : ` ${period}`}的上限${limit === "" ? "" : `（${limit}）`}太低，不够再调用一次模型。`,
    gap: "",
    again: "该上限按每次运行单独计算，再发一条消息即可继续。",
    raise: "请在相应的设置中提高上限，再发一条消息即可继续。",
    wait: "上限会在下一个周期（按 UTC）重新计算，管理员也可以提高上限。",
    askAdmin: "管理员可以提高上限。",
    askOperator: "只有服务器维护者可以提高上限。",
    budgetUnavailable: "已停止：暂时无法查询费用上限，因此没有继续花费。请过几分钟再试。",
    priceUnknown: "已停止：这里设有费用上限，但服务器没有该模型的价格。请换一个模型，或请服务器维护者设置价格。",
  },
);
