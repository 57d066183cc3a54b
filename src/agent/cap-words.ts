// What people read of a cap that was reached: whose it is, and what they can do. In both languages, since a run's own
// words are in the language of its conversation.
import type { CapName, CapScope, Caps, ReachedCap } from "../protocol/money/caps.ts";

type ByScope = Record<CapScope, string>;

const owners: Record<"en" | "zh", ByScope> = {
  en: {
    run: "this run",
    agent: "a run of this agent",
    trigger: "a run of this trigger",
    project: "this project",
    user: "this user",
    deployment: "this server",
  },
  zh: {
    run: "这次运行",
    agent: "该智能体每次运行",
    trigger: "该触发器每次运行",
    project: "该项目",
    user: "该用户",
    deployment: "该服务器",
  },
};

const each = {
  en: "It holds for each run by itself: send another message to go on.",
  zh: "该上限按每次运行单独计算，再发一条消息即可继续。",
};

const advice: Record<"en" | "zh", ByScope> = {
  en: {
    run: each.en,
    agent: each.en,
    trigger: "It holds for each run by itself.",
    project: "Raise it in the project, then send another message to go on.",
    user: "An admin can raise it.",
    deployment: "Only whoever runs the server can raise it.",
  },
  zh: {
    run: each.zh,
    agent: each.zh,
    trigger: "该上限按每次运行单独计算。",
    project: "请在项目中提高上限，再发一条消息即可继续。",
    user: "管理员可以提高上限。",
    deployment: "只有服务器的运营者可以提高上限。",
  },
};

/** `The cap of $5 for this user (2026-11, UTC)` */
export function describeCap(cap: ReachedCap, chinese = false): string {
  const { scope, limit, period } = cap;
  const amount = limit === undefined ? "" : describeAmount(cap.name, limit, chinese);
  const owner = owners[chinese ? "zh" : "en"][scope];
  if (!chinese)
    return `The cap${amount && ` of ${amount}`} for ${owner}${period === undefined ? "" : ` (${period}, UTC)`}`;
  return `${owner}${period === undefined ? "" : ` ${period}（UTC）`}的上限${amount && `（${amount}）`}`;
}

/** What to do about it, as one or two sentences. */
export function adviseCap({ scope, period }: ReachedCap, chinese = false): string {
  const said = advice[chinese ? "zh" : "en"][scope];
  if (period === undefined) return said;
  const isDay = period.length > "2026-11".length;
  if (chinese) return `${isDay ? "次日" : "次月"}（按 UTC）重新计算。${said}`;
  return `It begins anew with the next ${isDay ? "day" : "month"}, in UTC. ${said}`;
}

/** Asks whether to raise `caps`, to what is proposed where that is known. */
export function askForMore(caps: [ReachedCap, ...ReachedCap[]], proposed: Caps, chinese: boolean): string {
  const [first, ...others] = caps;
  const isSaid = caps.every(({ name }) => proposed[name] != null);
  const amounts = caps.map(({ name }) => describeAmount(name, proposed[name] ?? 0, chinese));
  if (chinese) {
    const named = caps.map((cap) => describeCap(cap, true)).join("和");
    return `${named}所剩的额度不够下一次调用模型。要提高上限${isSaid ? `到 ${amounts.join("和 ")} ` : ""}并继续吗？`;
  }
  const also = others.map((cap) => ` So does ${describeCap(cap).replace(/^The/, "the")}.`).join("");
  const raise = `Raise ${others.length > 0 ? "them" : "it"}${isSaid ? ` to ${amounts.join(" and ")}` : ""} and go on?`;
  return `${describeCap(first)} leaves too little for the next model call.${also} ${raise}`;
}

function describeAmount(name: CapName, limit: number, chinese: boolean): string {
  // A cap may be a billionth of a dollar.
  const amount = limit.toLocaleString("en-US", { maximumFractionDigits: 9 });
  if (name === "max_cost_usd") return `$${amount}`;
  if (chinese) return name === "max_total_tokens" ? `${amount} token` : `${amount} 分钟`;
  return name === "max_total_tokens" ? `${amount} tokens` : `${amount} ${limit === 1 ? "minute" : "minutes"}`;
}
