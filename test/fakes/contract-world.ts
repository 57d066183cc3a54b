import type { Env } from "../../src/config.ts";
import type { Job } from "../../src/protocol/job.ts";
import { newRunInput, type RunInput } from "../../src/protocol/thread.ts";
import { ContractModel, type Post, type RunRow, textOf } from "./contract-model.ts";
import { ContractPerson, type PersonEdit } from "./contract-person.ts";
import { contractPorts } from "./contract-ports.ts";
import { ContractReader } from "./contract-reader.ts";
import { addWebhooks } from "./contract-webhooks.ts";
import { type Ending, type MakeObject, ObjectWorld } from "./object-world.ts";
import { openD1 } from "./sqlite-d1.ts";
import { settle } from "./stream.ts";

/** One step of a script. Places are taken modulo what exists. */
export type Step =
  | { do: "post"; post: number; body: number; at_once: boolean }
  | { do: "settle"; place: number; count: number }
  | { do: "deliver" | "deliver_again" | "lose_job" | "fail_job"; place: number }
  | { do: "cancel"; post: number }
  | { do: "crash" | "alarm" | "sync" | "create" | "patch" | "remove" }
  | { do: "die"; in: number; when: "before" | "after" | "instead" }
  | { do: "d1" | "queue"; ending: Ending }
  | { do: "pass"; ms: number }
  | { do: "edit"; edit: PersonEdit; place: number }
  | { do: "watch" | "leave"; reader: number };

export interface Script {
  posts: Omit<Post, "id" | "body">[];
  steps: Step[];
}

export class ContractWorld {
  readonly key = { user_id: "user_1", thread_id: "thread_1" };
  readonly d1 = openD1();
  readonly model: ContractModel;
  readonly object: ObjectWorld;
  readonly posts: Post[];
  /** Two that watch the thread, then one for each possible run. */
  readonly readers: ContractReader[];
  readonly person: ContractPerson;
  readonly jobs: Job[] = [];
  /** How often each call of the tool that works was executed. */
  readonly worked = new Map<string, number>();
  readonly #ends: Record<"d1" | "queue", Ending> = { d1: "ok", queue: "ok" };
  readonly #handed: Job[] = [];
  /** What a client retries, because it got no answer. */
  readonly #unanswered = new Map<string, Post>();
  #d1Versions = new Map<string, number>();

  constructor(script: Script, make: MakeObject) {
    addWebhooks(this.d1);
    this.posts = script.posts.map((post, place) => ({ ...post, id: `inv_${place}`, body: 0 }));
    this.model = new ContractModel(this.posts);
    this.object = new ObjectWorld(make, (pulse) => ({ DB: contractPorts(this, pulse) }) as unknown as Env);
    this.object.onCommit = () => this.#observe();
    this.object.onClear = () => this.model.clear();
    this.person = new ContractPerson(this);
    const runs = [null, null, ...this.posts.map(({ id }) => id)];
    this.readers = runs.map((run) => new ContractReader(this.object, this.key, run));
  }

  get isIdle(): boolean {
    const { object, jobs } = this;
    return object.outside.length === 0 && jobs.length === 0 && object.calls === 0 && !this.#hasLiveRuns;
  }

  async perform(step: Step): Promise<void> {
    this.model.step();
    const { object } = this;
    switch (step.do) {
      case "post":
        this.post(this.posts[step.post % this.posts.length], step.body);
        if (step.at_once) return;
        break;
      case "settle":
        for (let count = 0; count < step.count; count++) {
          await this.#settleOne(step.place);
          await settle();
          this.model.step();
        }
        break;
      case "deliver":
      case "deliver_again":
      case "lose_job":
      case "fail_job":
        this.#handleJob(step.do, step.place);
        break;
      case "cancel":
        this.cancel(this.posts[step.post % this.posts.length]?.id ?? "");
        break;
      case "crash":
        object.crash();
        break;
      case "die":
        object.death = { in: step.in, when: step.when };
        break;
      case "d1":
      case "queue":
        this.#ends[step.do] = step.ending;
        break;
      case "pass":
        await object.advance(step.ms);
        break;
      case "alarm":
        if (object.alarmAt !== null) void object.fireAlarm();
        break;
      case "watch":
        void this.#reader(step.reader).connect();
        break;
      case "leave":
        this.#reader(step.reader).disconnect();
        break;
      case "edit":
        this.person.edit(step.edit, step.place);
        break;
      case "remove":
        this.#remove();
        break;
      default:
        this.#ask(step.do);
    }
    await settle();
  }

  post(given: Post | undefined, body: number): void {
    if (given === undefined) return;
    const post = { ...given, body };
    const since = this.model.now;
    const input = this.#inputOf(post);
    void this.object
      .call((object) => object.accept(input))
      .then((answer) => {
        if (answer.kind === "answered") this.model.expectAccepted(post, since, answer.value);
        else if (answer.kind === "lost") this.#unanswered.set(post.id, post);
        else this.model.blame(`accept threw: ${answer.error}`);
      });
  }

  cancel(id: string): void {
    const isKnown = this.model.runs.has(id);
    void this.object
      .call((object) => object.cancel(this.key, id))
      .then((answer) => {
        if (answer.kind === "answered") this.model.expectCancelled(id, isKnown, answer.value);
        else if (answer.kind === "threw") this.model.blame(`cancel threw: ${answer.error}`);
      });
  }

  /** Lets everything end that can; false where something does not. */
  async calmDown(): Promise<boolean> {
    this.#ends.d1 = "ok";
    this.#ends.queue = "ok";
    this.object.death = null;
    for (const post of this.#unanswered.values()) this.post(post, post.body);
    if (this.model.removal === "asked") this.#remove();
    for (let round = 0; round < 500; round++) {
      this.model.step();
      // Other threads compute hashes, and a busy machine may delay those for longer than many rounds take.
      await crypto.subtle.digest("SHA-256", new Uint8Array());
      await settle();
      for (let count = 0; this.object.outside.length > 0; count++) {
        if (count > 1_000) return false;
        await this.#settleOne(0);
        await settle();
      }
      for (const reader of this.readers) if (reader.status === "away") await reader.connect();
      if (this.isIdle) for (const reader of this.readers) if (reader.status === "missing") await reader.connect();
      if (this.jobs.length > 0) this.#handleJob("deliver", 0);
      else if (this.isIdle && (this.object.alarmAt === null || round > 400)) return true;
      else await this.object.advance(Math.max(1_000, (this.object.alarmAt ?? 0) - this.object.clock.now()));
    }
    return false;
  }

  get #hasLiveRuns(): boolean {
    return this.object.read("runs", "SELECT 1 AS one FROM runs WHERE released = 0").length > 0;
  }

  #reader(place: number): ContractReader {
    const reader = this.readers[place % this.readers.length];
    if (reader === undefined) throw new Error("there are no readers");
    return reader;
  }

  async #settleOne(place: number): Promise<void> {
    const { outside } = this.object;
    const one = outside[place % Math.max(1, outside.length)];
    if (one === undefined) return;
    const ending = one.kind === "queue" ? this.#ends.queue : one.kind === "d1" ? this.#ends.d1 : "ok";
    await one.settle(ending);
    if (one.kind === "d1") this.#observeD1();
  }

  #handleJob(what: "deliver" | "deliver_again" | "lose_job" | "fail_job", place: number): void {
    const list = what === "deliver_again" ? this.#handed : this.jobs;
    const job = list[place % Math.max(1, list.length)];
    if (job === undefined) return;
    if (what !== "deliver_again") {
      this.jobs.splice(this.jobs.indexOf(job), 1);
      this.#handed.push(job);
    }
    if (what === "lose_job" || job.type !== "run_agent_background") return;
    const { invocation_id } = job;
    const waited = this.model.runs.get(invocation_id)?.status === "queued";
    const handled = this.object.call((object) =>
      what === "fail_job" ? object.failDeadLetteredRun(this.key, invocation_id) : object.start(this.key, invocation_id),
    );
    void handled.then((answer) => {
      // The queue delivers it again.
      if (answer.kind !== "answered") this.jobs.push(job);
      // A run that had begun by then is left alone.
      else if (what === "fail_job" && waited && this.model.runs.get(invocation_id)?.status === "queued") {
        this.model.deadLettered.add(invocation_id);
      }
      if (answer.kind === "threw") this.model.blame(`${what} threw: ${answer.error}`);
    });
  }

  #ask(what: "sync" | "create" | "patch"): void {
    const { key, object, model } = this;
    const answered = object.call<unknown>((thread) => {
      if (what === "sync") return thread.sync(key);
      if (what === "patch") return thread.update(key, { title: `title ${model.now}` });
      return thread.create({
        ...key,
        project_id: null,
        title: "made",
        agent_id: null,
        metadata: {},
        request_id: `r_${model.now}`,
      });
    });
    void answered.then((answer) => {
      if (answer.kind === "threw") model.blame(`${what} threw: ${answer.error}`);
    });
  }

  #remove(): void {
    const { model } = this;
    // Without a thread nothing is requested.
    if (this.object.read("meta", "SELECT 1 AS one FROM meta").length === 0) return;
    model.removal = model.removal === "done" ? "done" : "asked";
    void this.object
      .call((object) => object.remove(this.key, "request_remove"))
      .then((answer) => {
        if (answer.kind !== "answered") return;
        if (answer.value.ok) model.removal = "done";
        else if (model.removal !== "done") model.blame(`remove was refused: ${answer.value.error.code}`);
      });
  }

  #observe(): void {
    const { model, object } = this;
    const rows = object.read<RunRow>(
      "runs",
      `SELECT invocation_id, position, status, version, run ->> 'attempt' AS attempt,
         coalesce(input ->> '$.messages[0].content', (SELECT content ->> '$.content' FROM messages
           WHERE messages.invocation_id = runs.invocation_id AND type = 'user' ORDER BY seq LIMIT 1)) AS text
         FROM runs ORDER BY position`,
    );
    const steered = object.read<{ id: string; run_id: string; text: string | null }>(
      "steered",
      "SELECT invocation_id AS id, run_id, messages ->> '$.messages[0].content' AS text FROM steered",
    );
    if (model.removal !== "no" && rows.length === 0) model.clear();
    else model.observe(rows, steered);
  }

  /** No row of D1 goes back, and none comes back after the thread's tombstone. */
  #observeD1(): void {
    const versions = new Map(
      this.d1
        .read<{ name: string; version: number }>(
          `SELECT 'run ' || invocation_id AS name, version FROM runs
           UNION ALL SELECT 'message ' || seq, version FROM messages UNION ALL SELECT 'thread', version FROM threads`,
        )
        .map(({ name, version }) => [name, version]),
    );
    const [tombstone] = this.d1.read<{ deleted_at: string | null }>("SELECT deleted_at FROM threads");
    const isDeleted = tombstone?.deleted_at != null;
    for (const [name, version] of this.#d1Versions) {
      if (!isDeleted && (versions.get(name) ?? -1) < version) this.model.blame(`D1's ${name} went back`);
    }
    if (isDeleted && versions.size > 1) this.model.blame("D1 has rows of a deleted thread");
    if (!isDeleted && this.#wasDeleted) this.model.blame("D1 forgot that the thread was deleted");
    this.#wasDeleted = isDeleted;
    this.#d1Versions = versions;
  }
  #wasDeleted = false;

  #inputOf(post: Post): RunInput {
    return newRunInput({
      ...this.key,
      invocation_id: post.id,
      messages: [{ message_id: `msg_${post.id}`, content: textOf(post) }],
      background: post.background,
      on_busy: post.policy,
    });
  }
}
