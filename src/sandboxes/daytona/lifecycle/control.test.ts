// People's orders, in any state of the sandbox.
import { describe, expect, it } from "vitest";
import { FakeDaytona, lifecycleOf, refusalOf, settle, useFakeWorld, usual } from "../../../../test/fakes/daytona.ts";
import type { DaytonaClient } from "../client/client.ts";
import { DaytonaConnection } from "../client/connection.ts";
import { defaultLimits as limits } from "../client/limits.ts";
import { DaytonaControl } from "./control.ts";

useFakeWorld();
const { signal } = new AbortController();

function controlOf(daytona: FakeDaytona): DaytonaControl {
  const { lifecycle } = lifecycleOf(daytona);
  const connection = new DaytonaConnection(lifecycle, limits);
  return new DaytonaControl({ lifecycle, connection, limits } as unknown as DaytonaClient);
}

function showing(...states: string[]): FakeDaytona {
  const daytona = new FakeDaytona();
  daytona.record = { id: "id-1", ...usual, state: states.at(-1) ?? "" };
  daytona.passing.push(...states.slice(0, -1));
  return daytona;
}

describe("DaytonaControl.stop", () => {
  it.each([
    [["started"], ["stop"], "stopped"],
    [["stopped"], [], "stopped"],
    [["starting", "started"], ["stop"], "stopped"],
    [["creating", "started"], ["stop"], "stopped"],
    [["stopping", "stopped"], [], "stopped"],
    [["pausing", "paused"], ["stop"], "stopped"],
    [["archived"], [], "archived"],
    [["error"], [], "error"],
    [["build_failed"], [], "build_failed"],
  ])("of a sandbox whose states are %j sends the orders %j", async (shown, orders, state) => {
    const daytona = showing(...shown);
    expect(await settle(controlOf(daytona).stop(signal))).toMatchObject({ state });
    expect(daytona.orders).toEqual(orders);
  });

  it("does nothing if there is no sandbox", async () => {
    expect(await settle(controlOf(new FakeDaytona()).stop(signal))).toMatchObject({ state: "none" });
  });

  it("sends the order again after a collision, and fails if the state does not change", async () => {
    const daytona = showing("started");
    daytona.on.stop = (record) => {
      if (daytona.orders.length === 1) throw refusalOf(400, "Sandbox is not in stoppable state");
      record.state = "stopped";
    };
    expect(await settle(controlOf(daytona).stop(signal))).toMatchObject({ state: "stopped" });
    const stuck = await settle(controlOf(showing("starting")).stop(signal));
    expect(stuck).toMatchObject({ code: "failed", message: "The sandbox is still starting. Try again in a minute." });
  });
});

describe("DaytonaControl.archive", () => {
  it("stops a running sandbox first, and passes on why Daytona refuses", async () => {
    const daytona = showing("started");
    daytona.on.archive = (record) => Object.assign(record, { state: "archiving" });
    expect(await settle(controlOf(daytona).archive(signal))).toMatchObject({ state: "archiving" });
    expect(daytona.orders).toEqual(["stop", "archive"]);
    const refused = showing("stopped");
    refused.on.archive = () => {
      throw refusalOf(400, "Ephemeral sandboxes cannot be archived");
    };
    expect(await settle(controlOf(refused).archive(signal))).toMatchObject({
      code: "failed",
      message: "Daytona would not archive the sandbox: Ephemeral sandboxes cannot be archived",
    });
    expect(await settle(controlOf(new FakeDaytona()).archive(signal))).toMatchObject({ code: "not_found" });
  });

  it("fails at once if somebody started the sandbox meanwhile", async () => {
    const daytona = showing("stopped", "started");
    expect(await settle(controlOf(daytona).archive(signal))).toMatchObject({
      code: "failed",
      message: "The sandbox was started meanwhile: only a stopped one can be archived.",
    });
    expect(daytona.orders).toEqual([]);
  });

  it("fails for a sandbox in an error, without an order", async () => {
    const daytona = showing("error");
    expect(await settle(controlOf(daytona).archive(signal))).toMatchObject({ code: "failed" });
    expect(daytona.orders).toEqual([]);
  });
});

describe("DaytonaControl.destroy", () => {
  it("waits for a change in progress, and sends nothing to a sandbox that is being deleted", async () => {
    const daytona = showing("starting");
    const refusals = [refusalOf(409, "Sandbox state change in progress"), refusalOf(409, "the same")];
    daytona.on.delete = () => {
      const refusal = refusals.shift();
      if (refusal) throw refusal;
      daytona.record = null;
    };
    await settle(controlOf(daytona).destroy(signal));
    expect([daytona.record, daytona.orders]).toEqual([null, ["delete", "delete", "delete"]]);
    const going = showing("destroying");
    await settle(controlOf(going).destroy(signal));
    expect(going.orders).toEqual([]);
  });
});
