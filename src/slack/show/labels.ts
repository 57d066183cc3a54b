// The words of buttons and notes beside a run's questions, in the language of the questions.
import { isChinese } from "../../agent/language.ts";

export interface Labels {
  approve: string;
  decline: string;
  yes: string;
  no: string;
  goOn: string;
  end: string;
  answer: string;
  change: string;
  open: string;
  approval: string;
  approved: string;
  declined: string;
  wentOn: string;
  ended: string;
  elsewhere: string;
  closed: string;
}

export const english: Labels = {
  approve: "Approve",
  decline: "Decline",
  yes: "Yes",
  no: "No",
  goOn: "Raise it and go on",
  end: "End",
  answer: "Answer…",
  change: "Change",
  open: "Open in the web app",
  approval: "Approval needed",
  approved: "Approved",
  declined: "Declined",
  wentOn: "Continues",
  ended: "Ended",
  elsewhere:
    "Too much is asked for a message in Slack. Answer in the web app, or reply here to go on without an answer.",
  closed: "This is not open any more.",
};

const chinese: Labels = {
  approve: "批准",
  decline: "拒绝",
  yes: "是",
  no: "否",
  goOn: "提高上限并继续",
  end: "结束",
  answer: "回答…",
  change: "修改",
  open: "在网页中打开",
  approval: "需要批准",
  approved: "已批准",
  declined: "已拒绝",
  wentOn: "已继续",
  ended: "已结束",
  elsewhere: "需要回答的内容太多，无法在 Slack 中显示。请在网页中回答，或直接回复以跳过。",
  closed: "该问题已关闭。",
};

export function labelsOf(text: string): Labels {
  return isChinese(text) ? chinese : english;
}
