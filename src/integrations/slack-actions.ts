// What a button of ours carries.
export interface SlackAction {
  t: string;
  r: string;
  i?: string;
  c?: string;
  n?: number;
}

export function encodeAction(action: SlackAction): string {
  return JSON.stringify(action);
}

export function actionId(kind: "stop" | "choice" | "answer" | "approve" | "decline", place?: number): string {
  return place === undefined ? `taskloom:${kind}` : `taskloom:${kind}:${place}`;
}
