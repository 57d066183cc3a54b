// How a person uses each client's page, and what it shows while a run is at work.
import type { Page } from "playwright-core";
import type { Chat } from "./checks.ts";

/** Longer than a run that its client has stopped continues. */
const IDLE_MS = 30_000;

async function press(page: Page, field: string, text: string): Promise<void> {
  await page.getByTestId(field).fill(text);
  await page.getByTestId(field).press("Enter");
}

export const assistantUi: Chat = {
  name: "assistant-ui",
  address: (stage, thread, wishes) => stage.assistantUi(thread, wishes),
  send: async (page, text) => {
    await page.getByTestId("input").fill(text);
    await page.getByTestId("send").click();
  },
  press: (page, text) => press(page, "input", text),
  stop: (page) => page.getByTestId("stop").click(),
  idle: (page) => page.getByTestId("stop").waitFor({ state: "detached", timeout: IDLE_MS }),
  regenerate: (page) => page.getByTestId("reload").last().click(),
  edit: async (page, text) => {
    await page.getByTestId("edit").first().click();
    await page.getByTestId("edit-input").fill(text);
    await page.getByTestId("edit-send").click();
  },
};

export const copilotKit: Chat = {
  name: "CopilotKit",
  prevented: {
    // `connect` of `InMemoryAgentRunner` (runtime/src/v2/runtime/runner/in-memory.ts).
    "reload after an edit": "its runtime replays every run that it remembers, also those that were replaced",
  },
  address: (stage, thread, wishes) => stage.copilotKit(thread, wishes),
  send: async (page, text) => {
    await page.getByTestId("copilot-chat-textarea").fill(text);
    await page.getByTestId("copilot-send-button").click();
  },
  press: (page, text) => press(page, "copilot-chat-textarea", text),
  // The same button sends and stops.
  stop: (page) => page.getByTestId("copilot-send-button").click(),
  idle: (page) => page.locator('[data-copilot-running="false"]').first().waitFor({ timeout: IDLE_MS }),
  regenerate: async (page: Page) => {
    await page.getByTestId("copilot-assistant-message").last().hover();
    await page.getByTestId("copilot-regenerate-button").last().click();
  },
  edit: async (page: Page, text) => {
    await page.getByTestId("copilot-user-message").first().hover();
    await page.getByTestId("copilot-edit-button").first().click();
    await page.getByTestId("edit-input").fill(text);
    await page.getByTestId("edit-send").click();
  },
};

export const copilotKitOfThreads: Chat = {
  ...copilotKit,
  name: "CopilotKit, thread runner",
  prevented: {},
  address: (stage, thread, wishes) => stage.copilotKitOfThreads(thread, wishes),
};
