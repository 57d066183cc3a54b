// Clients of both addresses at Azure: the deployment is in the path of one and in the body of the other.
import type { Client } from "../client.ts";
import { azure, azureClassic } from "../providers/azure.ts";
import { dropKey, set, usage } from "./changes.ts";
import { openaiClient, parameterBreaks } from "./openai.ts";

export const azureClassicClient: Client = {
  provider: azureClassic,
  headers: { "api-key": "azure-key" },
  fields: usage,
  returns: openaiClient.returns,
  breaks: {
    "refuses an address that is not a deployment's": (request) => {
      request.url = request.url.replace("/chat/completions", "");
    },
    "refuses an address without the version of the API": (request) => {
      request.url = request.url.replace(/\?.*/, "");
    },
    "refuses a request without the header api-key": ({ headers }) => delete headers["api-key"],
    "refuses a deployment that does not exist": useDeployment("gpt-9"),
    ...parameterBreaks(useDeployment),
  },
};

export const azureClient: Client = {
  ...azureClassicClient,
  provider: azure,
  breaks: {
    "refuses an address that is not of the v1 API": (request) => {
      request.url = request.url.replace("/openai/v1", "/v1");
    },
    "refuses a request without a key": dropKey,
    "refuses a model that is not the name of a deployment": set({ model: "gpt-9" }),
    ...parameterBreaks((model) => set({ model })),
  },
};

/** The deployment is in the address. */
function useDeployment(name: string): (request: { url: string }) => void {
  return (request) => {
    request.url = request.url.replace(/deployments\/[^/]+/, `deployments/${name}`);
  };
}
