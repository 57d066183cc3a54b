// A chat of assistant-ui's own parts, on the AG-UI route directly: server, key, agent and thread come with the address.
import { HttpAgent } from "@ag-ui/client";
import {
  ActionBarPrimitive,
  AssistantRuntimeProvider,
  ComposerPrimitive,
  ErrorPrimitive,
  MessagePrimitive,
  makeAssistantTool,
  ThreadPrimitive,
} from "@assistant-ui/react";
import {
  useAgUiInterrupts,
  useAgUiRuntime,
  useAgUiState,
  useAgUiSubmitInterruptResponses,
} from "@assistant-ui/react-ag-ui";
import { useMemo } from "react";
import { createRoot } from "react-dom/client";
import { openHistory } from "./history.ts";

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

const url = place.get("agent") ?? "";
const history = await openHistory({ server, agent: url, threadId, headers });

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
      <button
        type="button"
        data-testid="approve"
        onClick={() => void submit([{ interruptId: interrupt.id, status: "resolved", payload: { approved: true } }])}
      >
        Approve
      </button>
      <button
        type="button"
        data-testid="decline"
        onClick={() => void submit([{ interruptId: interrupt.id, status: "cancelled" }])}
      >
        Not now
      </button>
    </div>
  ));
}

function Plan() {
  const state = useAgUiState<unknown>();
  return <pre data-testid="plan">{JSON.stringify(state ?? null)}</pre>;
}

function App() {
  const agent = useMemo(() => new HttpAgent({ url, headers, threadId }), []);
  const runtime = useAgUiRuntime({ agent, adapters: { history }, unstable_enableMessageQueue: true });
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
