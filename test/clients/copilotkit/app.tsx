// CopilotKit's own chat, on its runtime: the runtime's address, agent and thread come with the page's address.
import { CopilotChat, CopilotKitProvider, useAgent, useFrontendTool, useInterrupt } from "@copilotkit/react-core/v2";
import "@copilotkit/react-core/v2/styles.css";
import { createRoot } from "react-dom/client";
import { z } from "zod";

const place = new URLSearchParams(location.search);
const threadId = place.get("thread") ?? undefined;

function Plan() {
  const { agent } = useAgent({ agentId: "taskloom" });
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
    agentId: "taskloom",
    render: ({ interrupt, resolve }) => (
      <div data-testid="question">
        {interrupt?.message}
        <button type="button" data-testid="answer" onClick={() => void resolve({ answer: "blue" })}>
          Blue
        </button>
      </div>
    ),
  });
  return <CopilotChat agentId="taskloom" threadId={threadId} />;
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
