// The first peer: a chat agent on Cloudflare's Agents SDK, as its README writes one. Everything that the SDK does by
// default stays on: it stores messages, buffers each stream so that a client can resume it, and recovers turns.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { AIChatAgent, type OnChatMessageOptions } from "@cloudflare/ai-chat";
import { routeAgentRequest } from "agents";
import { convertToModelMessages, type GenerateTextOnFinishCallback, isStepCount, streamText, type ToolSet } from "ai";
import { INSTRUCTIONS, MAX_STEPS, MODEL, MODEL_KEY, tools } from "./tools.ts";

interface Env {
  ChatAgent: DurableObjectNamespace<ChatAgent>;
  /** The base URL of an OpenAI-compatible model. */
  MODEL_URL: string;
}

export class ChatAgent extends AIChatAgent<Env> {
  override async onChatMessage(
    _onFinish: GenerateTextOnFinishCallback<ToolSet>,
    options?: OnChatMessageOptions,
  ): Promise<Response> {
    const provider = createOpenAICompatible({ name: "bench", baseURL: this.env.MODEL_URL, apiKey: MODEL_KEY });
    const result = streamText({
      model: provider(MODEL),
      instructions: INSTRUCTIONS,
      messages: await convertToModelMessages(this.messages),
      tools,
      stopWhen: isStepCount(MAX_STEPS),
      abortSignal: options?.abortSignal,
    });
    return result.toUIMessageStreamResponse();
  }
}

/** `/agents/chat-agent/<thread>`: a WebSocket; `/get-messages` below it is the thread's history. */
export const publicEntrypoint = {
  async fetch(request, env) {
    return (await routeAgentRequest(request, env)) ?? new Response("not found", { status: 404 });
  },
} satisfies ExportedHandler<Env>;
