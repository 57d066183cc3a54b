import { describe, expect, it } from "vitest";
import type { Api } from "../client/api.ts";
import { SandboxStore } from "./sandbox.ts";

/** A server whose answers arrive when the test says so, in the order that it says. */
function stage() {
  const waiting: { what: string; answer: (state: string) => Promise<void> }[] = [];
  const ask = (what: string) =>
    new Promise((resolve) => {
      const answer = async (state: string): Promise<void> => {
        resolve({ state });
        await new Promise((done) => setTimeout(done));
      };
      waiting.push({ what, answer });
    });
  const api = {
    get: () => ask("read"),
    send: (_method: string, path: string) => ask(path.split("/").at(-1) ?? ""),
  } as unknown as Api;
  const store = new SandboxStore(api, "p");
  const asked = () => waiting.map(({ what }) => what);
  const answer = (place: number, state: string) => waiting[place]?.answer(state);
  return { store, asked, answer, state: () => store.view.get().sandbox?.state };
}

describe("the state of a sandbox", () => {
  it("is the one that an order was answered with, whatever a read before it brings later", async () => {
    const { store, answer, state } = stage();
    const reading = store.read();
    const order = store.give("start");
    await answer(1, "started");
    await order;
    await answer(0, "stopped");
    await reading;
    expect(state()).toBe("started");
  });

  it("is read once more for all changes that are reported while it is read", async () => {
    const { store, asked, answer, state } = stage();
    const reading = store.read();
    void store.read();
    void store.read();
    await answer(0, "starting");
    expect(asked()).toEqual(["read", "read"]);
    await answer(1, "started");
    await reading;
    expect([state(), asked().length]).toEqual(["started", 2]);
  });

  it("is not read during an order, which is answered with it", async () => {
    const { store, asked, answer, state } = stage();
    const order = store.give("start");
    await store.read();
    await answer(0, "started");
    await order;
    expect([state(), asked()]).toEqual(["started", ["start"]]);
  });
});
