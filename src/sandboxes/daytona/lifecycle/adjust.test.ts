// What a sandbox's project asks for, where Daytona refuses it.
import { describe, expect, it } from "vitest";
import { FakeDaytona, openFrom, refusalOf, useFakeWorld, usual } from "../../../../test/fakes/daytona.ts";

useFakeWorld();

function started(refusals: Error[], name = "resize"): FakeDaytona {
  const daytona = new FakeDaytona();
  daytona.record = { id: "id-1", ...usual, state: "started" };
  daytona.on[name] = (box, value) => {
    const refusal = refusals.shift();
    if (refusal) throw refusal;
    Object.assign(box, value);
  };
  return daytona;
}

const collision = () => refusalOf(409, "Sandbox state change in progress");

describe("a change that meets another one", () => {
  it.each([
    ["resize", { cpu: 2 }, 409, { cpu: 2 }],
    ["resize", { cpu: 2 }, 400, { cpu: 2 }],
    ["network", { network: { block_all: true } }, 409, { networkBlockAll: true }],
  ] as const)("is asked for again: %s %j after %i", async (name, recipe, status, shown) => {
    const busy = () => refusalOf(status, "Sandbox state change in progress");
    const daytona = started([busy(), busy()], name);
    const { id, reported } = await openFrom(daytona, { recipe });
    expect(id).toBe("id-1");
    expect(daytona.orders.filter((order) => order.startsWith(name))).toHaveLength(3);
    expect(daytona.record).toMatchObject(shown);
    expect(reported.at(-1)).toBe("started: The sandbox is ready.");
  });

  it("is given up after a while, without blame of the project's settings", async () => {
    const daytona = started(Array.from({ length: 20 }, collision));
    const { opened } = await openFrom(daytona, { recipe: { cpu: 2 } });
    expect(opened).toMatchObject({ code: "unavailable", message: expect.stringMatching(/busy .*cpu=2.*Try again/) });
    expect(daytona.orders).toHaveLength(7);
  });
});

it("blames the settings that Daytona refuses, at once", async () => {
  const daytona = started([refusalOf(403, "CPU request 64 exceeds maximum allowed per sandbox (4)")]);
  const { opened } = await openFrom(daytona, { recipe: { cpu: 64 } });
  expect(opened).toMatchObject({ code: "unavailable", message: expect.stringMatching(/settings ask for \(cpu=64\)/) });
  expect(daytona.orders).toHaveLength(1);
});
