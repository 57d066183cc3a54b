/** Uploads and downloads, folders, moves and removals, with the errors by code. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer as readAll } from "node:stream/consumers";
import { DaytonaError, DaytonaNotFoundError } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import { askToolbox, failureOf, makeFolder, run, sandbox, statusOf } from "./place.ts";

function send(path: string, content: string | Buffer): Promise<void> {
  return sandbox.fs.uploadFile(Buffer.from(content), path);
}

async function read(path: string): Promise<string> {
  return (await sandbox.fs.downloadFile(path)).toString("utf8");
}

/** Every kind of name that has broken somebody's header, form or shell. */
const oddNames = [
  "with space.txt",
  "文.txt",
  "日本 語.md",
  "😀.md",
  "café.txt",
  "o'(r)*.txt",
  'quote".txt',
  "semi;colon, comma.txt",
  "percent%20.txt",
  "plus+and&.txt",
  "hash#.txt",
  "question?.txt",
  "back\\slash.txt",
  "-dash",
  ".hidden",
];

export function describeFiles(): void {
  describe("a file", () => {
    it("comes back byte for byte", async () => {
      const folder = await makeFolder();
      const content = randomBytes(300_000);
      await send(`${folder}/random.bin`, content);
      expect(Buffer.compare(await sandbox.fs.downloadFile(`${folder}/random.bin`), content)).toBe(0);
    });

    it("may be empty, and may contain what looks like the form around it", async () => {
      const folder = await makeFolder();
      const tricky = "\r\n--DAYTONA-FILE-BOUNDARY\r\nContent-Disposition: form-data\r\n\r\n--DAYTONA-FILE-BOUNDAR";
      await send(`${folder}/empty`, "");
      await send(`${folder}/line`, "\r\n");
      await send(`${folder}/tricky`, tricky.replaceAll("BOUNDARY", "BOUNDARI"));
      expect((await sandbox.fs.getFileDetails(`${folder}/empty`)).size).toBe(0);
      expect(await read(`${folder}/empty`)).toBe("");
      expect(await read(`${folder}/line`)).toBe("\r\n");
      expect(await read(`${folder}/tricky`)).toBe(tricky.replaceAll("BOUNDARY", "BOUNDARI"));
    });

    it("is created with the folders above it, and replaces an existing one", async () => {
      const folder = await makeFolder();
      await send(`${folder}/a/b/c.txt`, "a longer first text");
      await send(`${folder}/a/b/c.txt`, "second");
      expect(await read(`${folder}/a/b/c.txt`)).toBe("second");
    });

    it("is the one that commands see, by relative and absolute path", async () => {
      const folder = await makeFolder();
      const work = await sandbox.getWorkDir();
      await send(`${folder}/seen`, "by both");
      expect(await run(`cat ${folder}/seen`)).toBe("by both");
      await run(`printf other > ${folder}/made`);
      expect(await read(`${work}/${folder}/made`)).toBe("other");
    });

    for (const name of oddNames) {
      it(`may be named ${JSON.stringify(name)}`, async () => {
        const path = `${await makeFolder()}/${name}`;
        await send(path, name);
        expect(await read(path)).toBe(name);
        expect((await sandbox.fs.getFileDetails(path)).name).toBe(name);
        await sandbox.fs.moveFiles(path, `${path}.moved`);
        await sandbox.fs.deleteFile(`${path}.moved`);
        expect(await statusOf(sandbox.fs.getFileDetails(path))).toBe(404);
      });
    }

    it("is copied from and to this machine", async () => {
      const local = await mkdtemp(join(tmpdir(), "taskloom-contract-"));
      const path = `${await makeFolder()}/from-disk`;
      await writeFile(join(local, "up"), "from disk");
      await sandbox.fs.uploadFile(join(local, "up"), path);
      await sandbox.fs.downloadFile(path, join(local, "down/deep"));
      expect(await readFile(join(local, "down/deep"), "utf8")).toBe("from disk");
      await rm(local, { recursive: true });
    });

    it("is streamed up and down", async () => {
      const path = `${await makeFolder()}/stream`;
      const content = randomBytes(1_500_000);
      const sent: number[] = [];
      await sandbox.fs.uploadFileStream(
        Readable.from([content.subarray(0, 700_000), content.subarray(700_000)]),
        path,
        {
          onProgress: ({ bytesSent }) => sent.push(bytesSent),
        },
      );
      expect(sent.at(-1)).toBe(content.length);
      const received: (number | undefined)[] = [];
      const stream = await sandbox.fs.downloadFileStream(path, {
        onProgress: ({ totalBytes }) => received.push(totalBytes),
      });
      expect(Buffer.compare(await readAll(stream), content)).toBe(0);
      expect(new Set(received)).toEqual(new Set([content.length]));
    });
  });

  describe("several files", () => {
    it("are uploaded and downloaded in one request each, with an error for each that fails", async () => {
      const folder = await makeFolder();
      await sandbox.fs.createFolder(`${folder}/inner`, "755");
      await sandbox.fs.uploadFiles([
        { source: Buffer.from("one"), destination: `${folder}/1` },
        { source: Buffer.from(""), destination: `${folder}/2` },
        { source: Buffer.from("three"), destination: `${await sandbox.getWorkDir()}/${folder}/deep/3` },
      ]);
      const answers = await sandbox.fs.downloadFiles(
        ["1", "none", "deep/3", "inner", "2"].map((name) => ({ source: `${folder}/${name}` })),
      );
      expect(answers.map(({ result }) => result?.toString())).toEqual(["one", undefined, "three", undefined, ""]);
      expect(answers[1]?.errorDetails).toMatchObject({ statusCode: 404, errorCode: "FILE_NOT_FOUND" });
      expect(answers[3]?.errorDetails).toMatchObject({ statusCode: 400, errorCode: "INVALID_FILE_PATH" });
    });

    it("are each answered with path and size", async () => {
      const folder = await makeFolder();
      const form = new FormData();
      for (const [index, content] of ["a", "bcd"].entries()) {
        form.append(`files[${index}].path`, `${folder}/${index}`);
        form.append(`files[${index}].file`, new Blob([content]), "ignored");
      }
      const response = await askToolbox("/files/bulk-upload", { method: "POST", body: form });
      expect(response.status).toBe(200);
      const { files } = (await response.json()) as { files: { path: string; bytes: number }[] };
      expect(files.map(({ bytes }) => bytes)).toEqual([1, 3]);
      expect(files.map(({ path }) => path.endsWith(`${folder}/0`) || path.endsWith(`${folder}/1`))).toEqual([
        true,
        true,
      ]);
    });

    it("are accepted as far as possible, with an error for each of the rest", async () => {
      const folder = await makeFolder();
      const form = new FormData();
      form.append("files[0].path", `${folder}/good`);
      form.append("files[0].file", new Blob(["good"]), "x");
      form.append("files[1].path", "/proc/nowhere/x");
      form.append("files[1].file", new Blob(["bad"]), "x");
      form.append("files[2].file", new Blob(["without a path"]), "x");
      const response = await askToolbox("/files/bulk-upload", { method: "POST", body: form });
      expect(response.status).toBe(400);
      const { errors, files } = (await response.json()) as { errors: string[]; files: unknown[] };
      expect(errors.length).toBe(2);
      expect(files.length).toBe(1);
      expect(await read(`${folder}/good`)).toBe("good");
    });

    it("are downloaded as parts of a form in which every byte is known", async () => {
      const folder = await makeFolder();
      await send(`${folder}/a "b" 店`, "content");
      const response = await askToolbox("/files/bulk-download", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ paths: [`${folder}/a "b" 店`, `${folder}/none`] }),
      });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toMatch(
        /^multipart\/form-data; ?boundary="?DAYTONA-FILE-BOUNDARY"?$/,
      );
      const body = await response.text();
      const parts = body.split(/\r?\n?--DAYTONA-FILE-BOUNDARY(?:--)?\r\n/);
      const [, file = "", error = ""] = parts;
      expect(file).toMatch(/Content-Disposition: form-data; name="file"; filename="[^\r\n]*"; filename\*=utf-8''/i);
      expect(file).toContain(encodeURIComponent('a "b" 店'));
      expect(file).toMatch(/Content-Length: 7\r\n/i);
      expect(file).toMatch(/\r\n\r\ncontent$/);
      expect(error).toMatch(/name="error"/);
      expect(JSON.parse(error.slice(error.indexOf("\r\n\r\n")))).toMatchObject({
        statusCode: 404,
        code: "FILE_NOT_FOUND",
      });
      expect(body).toMatch(/--DAYTONA-FILE-BOUNDARY--\r\n$/);
    });

    it("are none when none is requested", async () => {
      const response = await askToolbox("/files/bulk-download", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ paths: [] }),
      });
      expect(response.status).toBe(400);
      await response.body?.cancel();
    });
  });

  describe("a file that does not exist", () => {
    it("is reported as such by every operation", async () => {
      const folder = await makeFolder();
      const none = `${folder}/none`;
      // `FILE_NOT_FOUND` has a class of its own where the daemon names itself as its source, which 0.190 does not.
      expect(await failureOf(sandbox.fs.downloadFile(none))).toBeInstanceOf(DaytonaNotFoundError);
      const streamed = await sandbox.fs.downloadFileStream(none).catch((error: unknown) => error);
      expect(streamed).toBeInstanceOf(DaytonaError);
      expect(await failureOf(sandbox.fs.getFileDetails(none))).toBeInstanceOf(DaytonaNotFoundError);
      expect(await statusOf(sandbox.fs.listFiles(none))).toBe(404);
      expect(await statusOf(sandbox.fs.deleteFile(none))).toBe(404);
      expect(await statusOf(sandbox.fs.moveFiles(none, `${folder}/other`))).toBe(404);
    });
  });

  describe("a plain download", () => {
    it("streams one file, with its length and a name for a browser", async () => {
      const path = `${await makeFolder()}/plain 店.txt`;
      await send(path, "plain");
      const response = await askToolbox(`/files/download?path=${encodeURIComponent(path)}`);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-disposition")).toMatch(/^attachment/);
      expect(response.headers.get("content-length")).toBe("5");
      expect(await response.text()).toBe("plain");
    });

    it("fails for a folder and for a file that does not exist", async () => {
      const folder = await makeFolder();
      for (const [path, status] of [
        [folder, 400],
        [`${folder}/none`, 404],
      ] as const) {
        const response = await askToolbox(`/files/download?path=${path}`);
        expect(response.status).toBe(status);
        await response.body?.cancel();
      }
    });
  });
}
