// How a person uses each client's page.
import type { Page } from "playwright-core";
import type { Chat } from "./checks.ts";

export const assistantUi: Chat = {
  name: "assistant-ui",
  address: (stage, thread, leaves) => stage.assistantUi(thread, leaves),
  send: async (page, text) => {
    await page.getByTestId("input").fill(text);
    await page.getByTestId("send").click();
  },
  stop: (page) => page.getByTestId("stop").click(),
  regenerate: (page) => page.getByTestId("reload").last().click(),
  edit: async (page, text) => {
    await page.getByTestId("edit").first().click();
    await page.getByTestId("edit-input").fill(text);
    await page.getByTestId("edit-send").click();
  },
};

export const copilotKit: Chat = {
  name: "CopilotKit",
  address: (stage, thread, leaves) => stage.copilotKit(thread, leaves),
  send: async (page, text) => {
    await page.getByTestId("copilot-chat-textarea").fill(text);
    await page.getByTestId("copilot-send-button").click();
  },
  // The same button sends and stops.
  stop: (page) => page.getByTestId("copilot-send-button").click(),
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
