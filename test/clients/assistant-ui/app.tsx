// A chat of assistant-ui's own parts, on the AG-UI route directly: server, key, agent and thread come with the address.
import { HttpAgent } from "@ag-ui/client";
import {
  ActionBarPrimitive,
  AssistantRuntimeProvider,
  ComposerPrimitive,
  ErrorPrimitive,
  ExportedMessageRepository,
  MessagePrimitive,
  makeAssistantTool,
  type ThreadHistoryAdapter,
  ThreadPrimitive,
} from "@assistant-ui/react";
import {
  fromAgUiMessages,
  useAgUiInterrupts,
  useAgUiRuntime,
  useAgUiState,
  useAgUiSubmitInterruptResponses,
} from "@assistant-ui/react-ag-ui";
import { useMemo } from "react";
import { createRoot } from "react-dom/client";

const place = new URLSearchParams(location.search);
const server = place.get("server") ?? "";
const threadId = place.get("thread") ?? "main";
const headers = { authorization: `Bearer ${place.get("key")}` };

const Favourite = makeAssistantTool({
  toolName: "favourite_colour",
  type: "frontend",
  description: "Tells the person's favourite colour.",
  parameters: { type: "object", properties: {} },
  execute: async () => "turquoise",
});

/** What a reload shows is what the thread has: the conversation of `GET …/messages`, in AG-UI's form. */
const history: ThreadHistoryAdapter = {
  async load() {
    const response = await fetch(`${server}/v1/threads/${encodeURIComponent(threadId)}/messages?limit=200`, {
      headers,
    });
    if (!response.ok) return { messages: [] };
    const { data } = (await response.json()) as { data: Parameters<typeof readRows>[0] };
    const messages = fromAgUiMessages(readRows(data) as Parameters<typeof fromAgUiMessages>[0]);
    return ExportedMessageRepository.fromArray(messages);
  },
  append: async () => {},
};

function readRows(rows: { message_id: string; type: string; content: { content?: unknown } }[]): object[] {
  return rows
    .filter(({ type }) => type === "user" || type === "assistant")
    .map(({ message_id, type, content }) => ({ id: message_id, role: type, content: content.content ?? "" }));
}

function Message() {
  return (
    <MessagePrimitive.Root data-testid="message">
      <MessagePrimitive.If user>
        <b>You</b>
      </MessagePrimitive.If>
      <MessagePrimitive.If assistant>
        <b>Agent</b>
      </MessagePrimitive.If>
      <MessagePrimitive.Parts
        components={{
          tools: {
            Fallback: ({ toolName, result }) => (
              <pre data-testid="tool">{`${toolName}: ${JSON.stringify(result)}`}</pre>
            ),
          },
        }}
      />
      <MessagePrimitive.Error>
        <ErrorPrimitive.Root data-testid="error">
          <ErrorPrimitive.Message />
        </ErrorPrimitive.Root>
      </MessagePrimitive.Error>
      <ActionBarPrimitive.Root>
        <MessagePrimitive.If user>
          <ActionBarPrimitive.Edit data-testid="edit">Edit</ActionBarPrimitive.Edit>
        </MessagePrimitive.If>
        <MessagePrimitive.If assistant>
          <ActionBarPrimitive.Reload data-testid="reload">Reload</ActionBarPrimitive.Reload>
        </MessagePrimitive.If>
      </ActionBarPrimitive.Root>
    </MessagePrimitive.Root>
  );
}

function EditComposer() {
  return (
    <ComposerPrimitive.Root data-testid="editor">
      <ComposerPrimitive.Input data-testid="edit-input" />
      <ComposerPrimitive.Send data-testid="edit-send">Save</ComposerPrimitive.Send>
    </ComposerPrimitive.Root>
  );
}

function Questions() {
  const interrupts = useAgUiInterrupts();
  const submit = useAgUiSubmitInterruptResponses();
  return interrupts.map((interrupt) => (
    <div key={interrupt.id} data-testid="question">
      {interrupt.message}
      <button
        type="button"
        data-testid="answer"
        onClick={() => void submit([{ interruptId: interrupt.id, status: "resolved", payload: "blue" }])}
      >
        Blue
      </button>
    </div>
  ));
}

function Plan() {
  const state = useAgUiState<unknown>();
  return <pre data-testid="plan">{JSON.stringify(state ?? null)}</pre>;
}

function App() {
  const agent = useMemo(() => new HttpAgent({ url: place.get("agent") ?? "", headers, threadId }), []);
  const runtime = useAgUiRuntime({ agent, adapters: { history } });
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <Favourite />
      <Plan />
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Messages components={{ Message, EditComposer }} />
        <Questions />
        <ComposerPrimitive.Root>
          <ComposerPrimitive.Input data-testid="input" />
          <ComposerPrimitive.Send data-testid="send">Send</ComposerPrimitive.Send>
          <ThreadPrimitive.If running>
            <ComposerPrimitive.Cancel data-testid="stop">Stop</ComposerPrimitive.Cancel>
          </ThreadPrimitive.If>
        </ComposerPrimitive.Root>
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
