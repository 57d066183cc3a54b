/** The control plane: how sandboxes are created, found, stopped, started and deleted, and what is refused meanwhile. */
import { DaytonaAuthenticationError, DaytonaConflictError, DaytonaNotFoundError, type Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askApi, createSandbox, daytona, failureOf, makeName, place, sandbox, statusOf } from "./place.ts";

async function listIds(query: Parameters<ReturnType<typeof daytona>["list"]>[0]): Promise<string[]> {
  const ids: string[] = [];
  for await (const item of daytona().list(query)) ids.push(item.id);
  return ids.sort();
}

export function describeLife(): void {
  describe("a new sandbox", () => {
    let made: Sandbox;
    const name = makeName();
    beforeAll(async () => {
      made = await createSandbox({
        name,
        language: "typescript",
        envVars: { GREETING: "hi there", EMPTY: "" },
        labels: { purpose: "all parameters" },
        public: false,
        autoStopInterval: 20,
        autoArchiveInterval: 60,
        autoDeleteInterval: 120,
        networkBlockAll: true,
      });
    });
    afterAll(() => made?.delete());

    it("is started, and has what was requested", () => {
      expect(made).toMatchObject({
        name,
        state: "started",
        env: { GREETING: "hi there", EMPTY: "" },
        labels: { purpose: "all parameters", "code-toolbox-language": "typescript", ...place.labels },
        public: false,
        autoStopInterval: 20,
        autoArchiveInterval: 60,
        autoDeleteInterval: 120,
        networkBlockAll: true,
      });
      expect(made.id).toMatch(/^[\w-]+$/);
    });

    it("has every field that a client's type requires", async () => {
      const response = await askApi(`/sandbox/${made.id}`);
      const info = (await response.json()) as Record<string, unknown>;
      const text = ["id", "organizationId", "name", "user", "target", "toolboxProxyUrl", "state", "desiredState"];
      for (const field of text) expect([field, typeof info[field]]).toEqual([field, "string"]);
      for (const field of ["cpu", "memory", "disk"]) expect([field, Number(info[field]) > 0]).toEqual([field, true]);
      for (const field of ["public", "networkBlockAll"])
        expect([field, typeof info[field]]).toEqual([field, "boolean"]);
      for (const field of ["createdAt", "updatedAt"]) {
        expect([field, Number.isNaN(Date.parse(String(info[field])))]).toEqual([field, false]);
      }
      expect(info.gpu).toBe(0);
    });

    it("is found by its id and by its name", async () => {
      expect((await daytona().get(made.id)).name).toBe(name);
      expect((await daytona().get(name)).id).toBe(made.id);
    });

    it("passes its variables to commands and sessions, and to nothing else", async () => {
      const command = 'printenv EMPTY; echo "$GREETING"';
      expect((await made.process.executeCommand(command)).result).toBe("\nhi there\n");
      await made.process.createSession("variables");
      expect((await made.process.executeSessionCommand("variables", { command })).stdout).toBe("\nhi there\n");
      expect((await sandbox.process.executeCommand('echo "[$EMPTY]$GREETING"')).result).toBe("[]hello\n");
    });

    it("has files and processes of its own", async () => {
      await sandbox.fs.uploadFile(Buffer.from("mine"), "/tmp/contract-of-one");
      expect(await statusOf(made.fs.getFileDetails("/tmp/contract-of-one"))).toBe(404);
    });

    it("owns its name", async () => {
      const error = await failureOf(createSandbox({ name }));
      expect(error).toBeInstanceOf(DaytonaConflictError);
      expect(error.message).toContain(`Sandbox with name ${name} already exists`);
    });

    it("has default resources where none were requested", async () => {
      expect(sandbox.autoArchiveInterval).toBe(7 * 24 * 60);
      expect(sandbox.name).toMatch(/./);
      expect(sandbox.labels["code-toolbox-language"]).toBe("python");
    });
  });

  describe("what does not exist", () => {
    it("is reported with a text, in the API's own shape", async () => {
      const nobody = makeName("nobody");
      const error = await failureOf(daytona().get(nobody));
      expect(error).toBeInstanceOf(DaytonaNotFoundError);
      expect(error.message).toBe(`Sandbox with ID or name ${nobody} not found`);
      const response = await askApi(`/sandbox/${nobody}`);
      const body = (await response.json()) as Record<string, unknown>;
      expect(body).toMatchObject({ statusCode: 404, message: error.message, path: `/api/sandbox/${nobody}` });
      expect(Date.parse(String(body.timestamp))).not.toBeNaN();
    });

    it("is hidden from callers without a key of this Daytona", async () => {
      expect(await failureOf(place.stranger?.get(sandbox.id) ?? Promise.resolve())).toBeInstanceOf(
        DaytonaAuthenticationError,
      );
      const response = await fetch(`${place.apiUrl}/sandbox`);
      expect(response.status).toBe(401);
      await response.body?.cancel();
    });
  });

  describe("the list", () => {
    it("is filtered by labels, states and prefixes of name and id, and comes in pages", async () => {
      const prefix = makeName("listed");
      const made = await Promise.all(
        ["One", "two"].map((suffix) => createSandbox({ name: `${prefix}-${suffix}`, labels: { list: prefix } })),
      );
      const ids = made.map(({ id }) => id).sort();
      const labels = { list: prefix };
      expect(await listIds({ labels, limit: 1 })).toEqual(ids);
      expect(await listIds({ labels, states: ["started"] })).toEqual(ids);
      expect(await listIds({ labels, states: ["archived"] })).toEqual([]);
      expect(await listIds({ name: prefix.toUpperCase() })).toEqual(ids);
      expect(await listIds({ labels, name: `${prefix}-o` })).toEqual([made[0]?.id]);
      expect(await listIds({ labels, id: made[1]?.id.slice(0, -2) })).toEqual([made[1]?.id]);
      expect(await listIds({ labels: { ...labels, more: "no" } })).toEqual([]);
      await Promise.all(made.map((one) => one.delete(60, true)));
      expect(await listIds({ labels })).toEqual([]);
    });

    it("returns sandboxes that can be used", async () => {
      for await (const item of daytona().list({ id: sandbox.id })) {
        expect((await item.process.executeCommand("echo from the list")).result).toBe("from the list\n");
      }
    });

    it("has page numbers too, as older SDKs request", async () => {
      const labels = encodeURIComponent(JSON.stringify(place.labels));
      const response = await askApi(`/sandbox/paginated?labels=${labels}&page=1&limit=1`);
      const { items, total, page, totalPages } = (await response.json()) as Record<string, unknown>;
      expect(items).toHaveLength(1);
      expect(page).toBe(1);
      expect(totalPages).toBe(total);
      const none = await askApi(`/sandbox/paginated?labels=${encodeURIComponent('{"nobody":"has this"}')}`);
      expect(await none.json()).toMatchObject({ items: [], total: 0 });
    });

    it("refuses labels that are no JSON, and a cursor that it never returned", async () => {
      for (const query of ["labels=x", "cursor=x"]) {
        const response = await askApi(`/sandbox?${query}`);
        expect([query, response.status]).toEqual([query, 400]);
        await response.body?.cancel();
      }
    });
  });

  describe("a sandbox's settings", () => {
    it("are replaced: labels as a whole, intervals one by one", async () => {
      await sandbox.setLabels({ ...place.labels, one: "1" });
      expect(await sandbox.setLabels({ ...place.labels, two: "2" })).toEqual({ ...place.labels, two: "2" });
      await sandbox.setAutostopInterval(30);
      await sandbox.setAutoArchiveInterval(60);
      await sandbox.setAutoDeleteInterval(-1);
      await sandbox.refreshData();
      expect(sandbox).toMatchObject({
        labels: { ...place.labels, two: "2" },
        autoStopInterval: 30,
        autoArchiveInterval: 60,
        autoDeleteInterval: -1,
      });
      await sandbox.setAutoDeleteInterval(30);
    });

    it("are refused where they are invalid", async () => {
      for (const path of ["autostop/-1", "autostop/x", "autoarchive/-1"]) {
        const response = await askApi(`/sandbox/${sandbox.id}/${path}`, { method: "POST" });
        // 0.190 passes what is no number on to its database, which refuses it (setAutostopInterval in
        // apps/api/src/sandbox/services/sandbox.service.ts).
        expect([path, path.endsWith("x") ? [400, 500] : [400]]).toEqual([
          path,
          expect.arrayContaining([response.status]),
        ]);
        await response.body?.cancel();
      }
    });

    it("close the network and open it again, and accept only valid addresses", async () => {
      const made = await createSandbox();
      await made.updateNetworkSettings({ networkBlockAll: true });
      await made.refreshData();
      expect(made.networkBlockAll).toBe(true);
      expect((await made.process.executeCommand("echo on")).result).toBe("on\n");
      await made.updateNetworkSettings({ networkBlockAll: false });
      await made.refreshData();
      expect(made.networkBlockAll).toBe(false);
      expect(await statusOf(made.updateNetworkSettings({ networkAllowList: "no address" }))).toBe(400);
      await made.delete();
    });

    it("record activity", async () => {
      await sandbox.refreshData();
      const before = Date.parse(sandbox.lastActivityAt ?? "1970-01-01");
      await sandbox.refreshActivity();
      await sandbox.refreshData();
      // A real one records it only every so often.
      expect(Date.parse(sandbox.lastActivityAt ?? "")).toBeGreaterThanOrEqual(before);
    });
  });
}
