// Images in what a call uses at most: they are counted apart from the text, and what is counted with them measures no
// text.
import { expect, it } from "vitest";
import { CheckedSpending } from "../../../test/fakes/checked-spending.ts";
import { callsTools, makeTool, ScriptedRun, says } from "../../../test/fakes/scripted-run.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { ModelMessage } from "../model.ts";
import { newTokenScales, planCall, planFirstCall } from "./planned-call.ts";

const image_url = { url: "https://pictures.example/a.png" };
const shown: ModelMessage = { role: "user", content: [{ type: "image_url", image_url }] };
const said: ModelMessage = { role: "user", content: "word ".repeat(1000) };
const request = (messages: ModelMessage[]) => ({ model: "m", messages, tools: [], max_output_tokens: 16_000 });

it("a request names its images, also those of before, and its tokens are those of the text", () => {
  const text = planCall(request([said]), newTokenScales("m", 1), "native");
  const reply: ModelMessage = { role: "assistant", content: "" };
  const planned = planCall(request([shown, reply, said]), newTokenScales("m", 1.2), "native");
  expect(planned.images).toEqual([image_url]);
  expect(planned.input_tokens - text.input_tokens).toBeLessThan(30);
  expect(text).not.toHaveProperty("images");
});

it("a run's first call names the images of its message", () => {
  const agent = agentConfig.parse({});
  const first = { model: "m", agent, context_tokens: 128_000, counted: null, tokens: 1, images: [image_url] };
  expect(planFirstCall(first).images).toEqual([image_url]);
});

it.each([0.6, 1.4])("a provider that counts %f of our estimate with an image measures no text", async (tokenizer) => {
  const run = new ScriptedRun([{ ...callsTools("work"), tokenizer }, says("Done.")], [makeTool("work")]);
  const spending = new CheckedSpending();
  run.spending = spending;
  const ratios: number[] = [];
  run.dialect = (native) => ({
    stream: (sent, ...rest) => {
      const { planned } = spending.noteRequest(sent);
      ratios.push(planned.input_tokens / planCall(sent, new Map(), "native").input_tokens);
      return native.stream(sent, ...rest);
    },
  });
  await run.run({ history: [said, shown] });
  expect(ratios).toEqual([1, 1]);
});
