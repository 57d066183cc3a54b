import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SandboxError } from "../../../agent/sandbox.ts";
import { createTimedCache } from "../../../lib/timed-cache.ts";
import type { GitLogin } from "../../../protocol/git-credential.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { GitRequests } from "./git-requests.ts";
import { type CheckoutCache, ProjectCheckout } from "./project-checkout.ts";

const URL_OF_SHOP = "https://github.com/a/shop";
const { signal } = new AbortController();

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function sandboxOf(id: string): SdkSandbox {
  return { id, getWorkDir: async () => "/work", getUserHomeDir: async () => "/home/a" } as unknown as SdkSandbox;
}

function readClone(command: string) {
  const [, password] = /printf '%s\\n' '([^']*)' \| \/bin\/sh/.exec(command) ?? [];
  const [path] = /\/work\/\.taskloom-clone-[\w-]+/.exec(command) ?? [];
  return { url: command.includes(`'${URL_OF_SHOP}'`) ? URL_OF_SHOP : null, path, ...(password ? { password } : {}) };
}

/** Clones end as `outcome` says. Records the requests to the daemon. */
function prepare(outcome: () => Promise<unknown>, cache?: CheckoutCache) {
  const clones: unknown[] = [];
  const reported: string[] = [];
  const commands: string[] = [];
  const state: { login: GitLogin | null } = { login: null };
  const requests = {
    run: async (_sandbox: unknown, command: string) => {
      if (command.includes("--no-checkout")) {
        clones.push(readClone(command));
        await outcome();
        return "\x1f\ncode 0";
      }
      const kind = ["claimed", "released", "mv --"].find((word) => command.includes(word)) ?? "touch";
      commands.push(kind);
      return kind === "mv --" ? `there\nbranch main\nurl ${URL_OF_SHOP}.git\n` : kind;
    },
  } as unknown as GitRequests;
  const checkout = new ProjectCheckout({
    requests,
    access: { findLogin: async () => state.login },
    source: { url: URL_OF_SHOP },
    onState: (_, message) => reported.push(message),
    cache,
  });
  const use = (id = "one") => checkout.prepare(sandboxOf(id), signal);
  return { checkout, clones, reported, commands, state, use };
}

const refused = () => Promise.reject(new SandboxError("refused", "The clone failed. No credential is stored."));

describe("a project's repository", () => {
  it("is cloned at the first use of each sandbox", async () => {
    const { checkout, clones, reported, use } = prepare(async () => null);
    await Promise.all([use(), use()]);
    await use();
    expect(clones).toEqual([{ url: URL_OF_SHOP, path: expect.stringMatching(/^\/work\/\.taskloom-clone-/) }]);
    expect(reported).toEqual([`Cloning ${URL_OF_SHOP} into shop …`, `Cloned ${URL_OF_SHOP} into shop.`]);
    expect(checkout.readHome()).toBe("shop");
    await use("two");
    expect(clones).toHaveLength(2);
  });

  it("is cloned again after a refusal once another credential is stored, at the next use", async () => {
    const { checkout, clones, commands, state, use } = prepare(refused);
    await use();
    expect(checkout.readRepositoryNotice()).toMatch(
      /could not be cloned\. The clone failed\. No credential is stored\./,
    );
    expect(checkout.readHome()).toBeNull();
    expect(commands).toEqual(["claimed", "released"]);
    vi.advanceTimersByTime(600_000);
    await use();
    expect(clones).toHaveLength(1);
    state.login = { username: "ada", password: "canary-password" };
    await use();
    expect(clones).toMatchObject([{}, { password: "canary-password" }]);
    expect(checkout.readRepositoryNotice()).not.toContain("canary");
  });

  it("is not requested again by each HTTP request after a refusal, unless the credential changed", async () => {
    const cache: CheckoutCache = createTimedCache({ now: () => Date.now(), keep_ms: 60_000, max_entries: 10 });
    await prepare(refused, cache).use();
    const next = prepare(refused, cache);
    await next.use();
    expect(next.clones).toEqual([]);
    expect(next.checkout.readRepositoryNotice()).toMatch(/could not be cloned/);
    next.state.login = { username: "ada", password: "canary-password" };
    await next.use();
    expect(next.clones).toHaveLength(1);
    vi.advanceTimersByTime(61_000);
    const later = prepare(async () => null, cache);
    later.state.login = next.state.login;
    await later.use();
    expect(later.clones).toHaveLength(1);
    const last = prepare(refused, cache);
    await last.use();
    expect([last.clones, last.commands, last.checkout.readHome()]).toEqual([[], [], "shop"]);
  });

  it("is cloned again after a while if its host was not reached", async () => {
    const { checkout, clones, use } = prepare(async () => {
      // A silent host delays every use; the time until the retry begins after that.
      await new Promise((resolve) => setTimeout(resolve, 200_000));
      throw new SandboxError("failed", "It could not be reached.");
    });
    await Promise.all([use(), vi.advanceTimersByTimeAsync(200_000)]);
    expect(checkout.readRepositoryNotice()).toContain("tried again after a few minutes, or once");
    vi.advanceTimersByTime(299_000);
    await use();
    expect(clones).toHaveLength(1);
    vi.advanceTimersByTime(2_000);
    await Promise.all([use(), vi.advanceTimersByTimeAsync(200_000)]);
    expect(clones).toHaveLength(2);
  });

  it("is still cloned for the next use when one stops waiting: it is reported again, and keeps its claim", async () => {
    const { promise, resolve: finish } = Promise.withResolvers<void>();
    const { checkout, commands, reported, use } = prepare(() => promise);
    const end = new AbortController();
    const impatient = checkout.prepare(sandboxOf("one"), end.signal);
    await vi.advanceTimersByTimeAsync(40_000);
    end.abort(new Error("cancelled"));
    await expect(impatient).rejects.toThrow("cancelled");
    const patient = use();
    expect(checkout.readRepositoryNotice()).toMatch(/still being cloned.*waits/);
    expect(reported).toEqual(Array(2).fill(`Cloning ${URL_OF_SHOP} into shop …`));
    expect(commands).toEqual(["claimed", "touch", "touch"]);
    finish();
    await patient;
    expect(checkout.readHome()).toBe("shop");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves the sandbox usable if its clone never ends", async () => {
    const { checkout, use } = prepare(() => new Promise(() => {}));
    const waiting = use();
    await vi.advanceTimersByTimeAsync(600_000);
    await waiting;
    expect(checkout.readRepositoryNotice()).toMatch(/did not come to an end/);
  });
});
