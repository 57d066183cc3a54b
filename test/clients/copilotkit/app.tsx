// CopilotKit's own chat, on its runtime: the runtime's address, agent and thread come with the page's address.
import {
  CopilotChat,
  CopilotKitProvider,
  useAgent,
  useCopilotKit,
  useFrontendTool,
  useInterrupt,
} from "@copilotkit/react-core/v2";
import "@copilotkit/react-core/v2/styles.css";
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { z } from "zod";

const place = new URLSearchParams(location.search);
const threadId = place.get("thread") ?? undefined;
const agentId = place.get("agent") ?? "taskloom";

function Plan() {
  const { agent } = useAgent({ agentId });
  return <pre data-testid="plan">{JSON.stringify(agent.state ?? null)}</pre>;
}

function Chat() {
  useFrontendTool({
    name: "favourite_colour",
    description: "Tells the person's favourite colour.",
    parameters: z.object({}),
    handler: async () => "turquoise",
  });
  useInterrupt({
    agentId,
    render: ({ interrupt, resolve, cancel }) => (
      <div data-testid="question">
        {interrupt?.message}
        <button type="button" data-testid="answer" onClick={() => void resolve("blue")}>
          Blue
        </button>
        <button type="button" data-testid="approve" onClick={() => void resolve({ approved: true })}>
          Approve
        </button>
        <button type="button" data-testid="decline" onClick={() => void cancel()}>
          Not now
        </button>
      </div>
    ),
  });
  const { agent } = useAgent({ agentId });
  const { copilotkit } = useCopilotKit();
  const [edited, setEdited] = useState<string | null>(null);
  // The chat has the buttons, and leaves it to the page what they do: the messages up to that one are run again. An
  // edited one keeps its id, which says which one it is.
  const runFrom = async (id: string, content: string | null): Promise<void> => {
    const at = agent.messages.findIndex((message) => message.id === id);
    const before = agent.messages.slice(0, at);
    agent.setMessages(content === null ? before : [...before, { id, role: "user", content }]);
    await copilotkit.runAgent({ agent });
  };
  return (
    <>
      {edited !== null && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            setEdited(null);
            void runFrom(edited, String(new FormData(event.currentTarget).get("text")));
          }}
        >
          <input name="text" data-testid="edit-input" />
          <button type="submit" data-testid="edit-send">
            Save
          </button>
        </form>
      )}
      <CopilotChat
        agentId={agentId}
        threadId={threadId}
        messageView={{
          assistantMessage: { onRegenerate: (message: { id: string }) => void runFrom(message.id, null) },
          userMessage: { onEditMessage: ({ message }: { message: { id: string } }) => setEdited(message.id) },
        }}
      />
    </>
  );
}

const properties = place.has("leave") ? { on_disconnect: "cancel" } : {};
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <CopilotKitProvider runtimeUrl={place.get("runtime") ?? ""} properties={properties} enableInspector={false}>
      <Plan />
      <Chat />
    </CopilotKitProvider>,
  );
}
