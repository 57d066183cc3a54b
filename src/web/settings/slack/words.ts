// What the section of Slack says.
import { defineWords } from "../../state/words.ts";

export const words = defineWords(
  {
    about:
      "Mention the app in a channel or write to it: the request becomes a conversation here, and its work is shown there.",
    empty: "No workspace is connected yet. Install the app in one, or connect one by its bot's token.",
    install: "Install in Slack",
    installText:
      "Slack's page opens in another tab. The workspace that you allow it in works with your agents, projects and money, so give the address to nobody else. It works once, for ten minutes.",
    openSlack: "Open Slack's page",
    waiting: "When Slack says that it is connected, come back here.",
    byToken: "Connect by token",
    token: "The bot's token",
    tokenHint: "Begins with xoxb-. In Slack's settings of the app, under “Install App”.",
    connect: "Connect the workspace",
    missing: "Slack is not set up on this server. Whoever runs it sets these and starts it again:",
    missingAlso: "How to get them is in docs/slack.md.",
    change: "Change",
    disconnect: "Disconnect",
    question: "Disconnect this workspace?",
    follows: (name: string) => `The app does not answer in ${name} any more. Its conversations stay here.`,
    connected: (time: string) => `connected ${time}`,
    changeLabel: (name: string) => `Change ${name}`,
    disconnectLabel: (name: string) => `Disconnect ${name}`,
  },
  {
    about: "在频道中提及应用或直接给它发消息：请求会成为这里的一个对话，工作过程显示在 Slack 中。",
    empty: "还没有连接工作区。请在工作区安装应用，或用机器人令牌连接。",
    install: "安装到 Slack",
    installText:
      "Slack 的页面会在新标签页打开。你允许的工作区将使用你的智能体、项目和费用，因此不要把地址给别人。地址十分钟内有效，只能用一次。",
    openSlack: "打开 Slack 页面",
    waiting: "Slack 提示连接成功后，请回到这里。",
    byToken: "用令牌连接",
    token: "机器人令牌",
    tokenHint: "以 xoxb- 开头，在 Slack 应用设置的“Install App”下。",
    connect: "连接工作区",
    missing: "这个服务器还没有配置 Slack。请服务器的管理者设置以下各项并重新启动：",
    missingAlso: "如何获取见 docs/slack.md。",
    change: "修改",
    disconnect: "断开",
    question: "断开这个工作区？",
    follows: (name: string) => `应用将不再在 ${name} 中应答，已有对话会保留在这里。`,
    connected: (time: string) => `连接于 ${time}`,
    changeLabel: (name: string) => `修改 ${name}`,
    disconnectLabel: (name: string) => `断开 ${name}`,
  },
);
