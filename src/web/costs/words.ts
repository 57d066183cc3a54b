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
    cost: "What this run has cost",
    input: (count: string) => `${count} tokens in`,
    cached: (count: string) => `${count} cached`,
    output: (count: string) => `${count} out`,
    reserved: (amount: string) => `up to ${amount} more for the call under way`,
    estimated: (amount: string) => `${amount} of it estimated`,
    whyEstimated:
      "Calls that broke off brought no count. They are charged at the most that they can have used, so it may be less.",
    tokens: (count: string) => `${count} tokens`,
    minutes: (count: string) => (count === "1" ? "1 minute" : `${count} minutes`),
    of: english,
    day: (date: string) => `for ${date}`,
    month: (date: string) => `for ${date}`,
    budget: "Stopped: a limit on spending was reached.",
    reached: (whose: string, limit: string, period: string) =>
      `Stopped: ${whose} limit${limit === "" ? "" : ` of ${limit}`}${period === "" ? "" : ` ${period}`} was reached.`,
    held: (whose: string, limit: string, period: string) =>
      `Stopped: other runs have reserved what is left of ${whose} limit${limit === "" ? "" : ` of ${limit}`}${period === "" ? "" : ` ${period}`}. Send the message again when some of them have ended.`,
    tooLow: (whose: string, limit: string, period: string) =>
      `Stopped: ${whose} limit${limit === "" ? "" : ` of ${limit}`}${period === "" ? "" : ` ${period}`} is too low for the next call of the model.`,
    /** Between two sentences. */
    gap: " ",
    again: "It holds for each run by itself: send another message to go on.",
    raise: "Raise it where it is set, then send another message to go on.",
    wait: "It starts anew with the next period, in UTC. An admin can raise it.",
    askAdmin: "An admin can raise it.",
    askOperator: "Only whoever runs this server can raise it.",
    budgetUnavailable:
      "Stopped: what is left to spend could not be looked up, and nothing is spent without that. Try again in a few minutes.",
    priceUnknown:
      "Stopped: a limit in money holds here, and this server knows no price of the model. Choose another model, or ask whoever runs the server to set the price.",
  },
  {
    cost: "这次运行的花费",
    input: (count) => `输入 ${count} token`,
    cached: (count) => `其中缓存 ${count}`,
    output: (count) => `输出 ${count}`,
    reserved: (amount) => `正在进行的调用最多还需 ${amount}`,
    estimated: (amount) => `其中 ${amount} 为估算`,
    whyEstimated: "中断的调用没有返回用量，按可能的最大用量计费，实际可能更少。",
    tokens: (count) => `${count} token`,
    minutes: (count) => `${count} 分钟`,
    of: chinese,
    day: (date) => `${date} 当日`,
    month: (date) => `${date} 当月`,
    budget: "已停止：达到了花费上限。",
    reached: (whose, limit, period) =>
      `已停止：达到了${whose}${period === "" ? "" : ` ${period}`}的上限${limit === "" ? "" : `（${limit}）`}。`,
    held: (whose, limit, period) =>
      `已停止：${whose}${period === "" ? "" : ` ${period}`}的上限${limit === "" ? "" : `（${limit}）`}所剩的额度已被其他运行预留。等其中一些运行结束后，请再发一次消息。`,
    tooLow: (whose, limit, period) =>
      `已停止：${whose}${period === "" ? "" : ` ${period}`}的上限${limit === "" ? "" : `（${limit}）`}太低，不够调用一次模型。`,
    gap: "",
    again: "该上限按每次运行单独计算，再发一条消息即可继续。",
    raise: "在设置处提高上限，再发一条消息即可继续。",
    wait: "下一个周期（按 UTC）开始时重新计算，管理员也可以提高上限。",
    askAdmin: "管理员可以提高上限。",
    askOperator: "只有服务器的运营者可以提高上限。",
    budgetUnavailable: "已停止：暂时无法查询剩余额度，因此没有继续花费。请过几分钟再试。",
    priceUnknown: "已停止：这里设有金额上限，而服务器不知道该模型的价格。请换一个模型，或请运营者设置价格。",
  },
);
