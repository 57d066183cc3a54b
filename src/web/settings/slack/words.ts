// What the section of Slack says.
import { defineWords } from "../../state/words.ts";

export const words = defineWords(
  {
    about:
      "Mention the app in a channel, or send it a message. Each request becomes a conversation here, and Slack shows the progress.",
    empty: "No workspaces yet. Install the app in Slack, or connect a workspace with a bot token.",
    install: "Install in Slack",
    installText:
      "Slack opens in a new tab. The workspace that you allow can use your agents and projects and spend your money, so don't share the link. It works once, within ten minutes.",
    openSlack: "Open Slack",
    waiting: "When Slack confirms the connection, come back here.",
    byToken: "Connect with a token",
    token: "Bot token",
    tokenHint: "Starts with xoxb-. Find it in your Slack app's settings under “Install App”.",
    connect: "Connect workspace",
    missing:
      "Slack isn't set up on this server. The server operator needs to set the following and restart the server:",
    missingAlso: "See docs/slack.md for how to get them.",
    change: "Edit",
    disconnect: "Disconnect",
    question: "Disconnect this workspace?",
    follows: (name: string) => `The app stops answering in ${name}. Its conversations stay here.`,
    connected: (time: string) => `connected ${time}`,
    changeLabel: (name: string) => `Edit ${name}`,
    disconnectLabel: (name: string) => `Disconnect ${name}`,
  },
  {
    about: "在频道中提及应用，或直接给它发消息。每个请求都会成为这里的一个对话，进展显示在 Slack 中。",
    empty: "还没有连接工作区。请将应用安装到 Slack，或用机器人令牌连接工作区。",
    install: "安装到 Slack",
    installText:
      "Slack 会在新标签页中打开。获得授权的工作区可以使用你的智能体和项目，并产生由你承担的费用，因此请勿分享该链接。链接十分钟内有效，只能使用一次。",
    openSlack: "打开 Slack",
    waiting: "Slack 提示连接成功后，请回到这里。",
    byToken: "用令牌连接",
    token: "机器人令牌",
    tokenHint: "以 xoxb- 开头，可在 Slack 应用设置的“Install App”中找到。",
    connect: "连接工作区",
    missing: "这台服务器尚未配置 Slack。请服务器维护者设置以下各项，然后重启服务器：",
    missingAlso: "获取方法见 docs/slack.md。",
    change: "编辑",
    disconnect: "断开连接",
    question: "断开这个工作区？",
    follows: (name: string) => `应用将不再在 ${name} 中应答，已有对话会保留在这里。`,
    connected: (time: string) => `连接于 ${time}`,
    changeLabel: (name: string) => `编辑 ${name}`,
    disconnectLabel: (name: string) => `断开 ${name}`,
  },
);
