// A `Model` for models without native tool calls. The tools are not sent but described in the system prompt, history is
// written as the model would write it, and its calls are read from its text (../markup).
import type { Model } from "../../agent/model.ts";
import { type ThinkingStarts, withTextCalls } from "../markup/model.ts";
import { writeHistory } from "./history.ts";
import { withTools } from "./prompt.ts";

export function createXmlModel(native: Model, starts?: ThinkingStarts): Model {
  return withTextCalls(native, {
    mode: "xml",
    ...(starts ? { starts } : {}),
    toRequest: (request) => ({
      ...request,
      messages: withTools(writeHistory(request.messages), request.tools),
      tools: [],
    }),
  });
}
