import { describe, expect, it } from "vitest";
import type { Api } from "../client/api.ts";
import { chosenProject } from "../state/chosen.ts";
import { ProjectList } from "./project-list.ts";

const shop = { project_id: "shop", name: "Shop" };
const garden = { project_id: "garden", name: "Garden" };

/** An API whose list is answered when the test says so, with what the server had when the list was asked for. */
function slowList() {
  const answers: ((page: unknown) => void)[] = [];
  const api = {
    get: () => new Promise((resolve) => answers.push(resolve)),
    send: async (_method: string, _path: string, body: object) => ({ project_id: "garden", ...body }),
  } as unknown as Api;
  const list = new ProjectList(api, () => {});
  const answer = (...data: (typeof shop)[]): void => answers.shift()?.({ data, next_cursor: null });
  return { list, answer, names: () => list.view.get().projects.map(({ name }) => name) };
}

describe("a list of projects that is read", () => {
  it("keeps one that was made meanwhile, which is chosen", async () => {
    const { list, answer, names } = slowList();
    const reading = list.read();
    await list.create("Garden");
    answer(shop);
    await reading;
    expect(names()).toEqual(["Garden", "Shop"]);
    expect(chosenProject.get()).toBe("garden");
  });

  it("has one that was made meanwhile once, if the server listed it", async () => {
    const { list, answer, names } = slowList();
    const reading = list.read();
    await list.create("Garden");
    answer(garden, shop);
    await reading;
    expect(names()).toEqual(["Garden", "Shop"]);
  });

  it("does not bring back a former name or one that was removed meanwhile", async () => {
    const { list, answer, names } = slowList();
    const first = list.read();
    answer(garden, shop);
    await first;
    const second = list.read();
    await list.rename("garden", "Orchard");
    await list.remove("shop");
    answer(garden, shop);
    await second;
    expect(names()).toEqual(["Orchard"]);
  });

  it("shows what others have changed since", async () => {
    const { list, answer, names } = slowList();
    const first = list.read();
    await list.create("Garden");
    answer(shop);
    await first;
    const second = list.read();
    answer({ project_id: "garden", name: "Orchard" });
    await second;
    expect(names()).toEqual(["Orchard"]);
  });
});
