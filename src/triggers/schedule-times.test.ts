import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runCount } from "../../test/setup/run-count.ts";
import {
  exampleOfPace,
  findCloseTimes,
  findScheduleFault,
  formatDueTime,
  lastDue,
  nextTimes,
} from "./schedule-times.ts";

const MINUTE_MS = 60_000;

const zones = [
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
  "Asia/Kathmandu",
  "America/Havana",
  "Asia/Beirut",
  "UTC",
];

/** Due times from `from` (inclusive) to `to` (exclusive), in the zone's local time and in UTC. */
function duesOf(cron: string, timezone: string, from: string, to: string): string[] {
  const found: string[] = [];
  for (let at = Date.parse(from) - 1; ; ) {
    const [next] = nextTimes(cron, timezone, at, 1);
    if (next === undefined || Date.parse(next) >= Date.parse(to)) return found;
    found.push(
      `${formatDueTime(next, timezone)
        .slice(-60)
        .replace(/^.*(\d\d:\d\d),.*$/, "$1")} ${next.slice(11, 16)}Z`,
    );
    at = Date.parse(next);
  }
}

describe("a cron with fixed hours and minutes", () => {
  it("is due at the end of the gap for times that the clock skips", () => {
    const berlin = ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"] as const;
    expect(duesOf("30 2 * * *", "Europe/Berlin", ...berlin)).toEqual(["03:00 01:00Z"]);
    expect(duesOf("0,30 2 * * *", "Europe/Berlin", ...berlin)).toEqual(["03:00 01:00Z"]);
    expect(duesOf("0 1-4 * * *", "Europe/Berlin", ...berlin)).toEqual(["01:00 00:00Z", "03:00 01:00Z", "04:00 02:00Z"]);
    const york = ["2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"] as const;
    expect(duesOf("30 2 * * *", "America/New_York", ...york)).toEqual(["03:00 07:00Z"]);
    // Half an hour is skipped there: 2:00 to 2:30.
    const howe = ["2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"] as const;
    expect(duesOf("15 2 * * *", "Australia/Lord_Howe", ...howe)).toEqual(["02:30 15:30Z"]);
    expect(duesOf("45 2 * * *", "Australia/Lord_Howe", ...howe)).toEqual(["02:45 15:45Z"]);
  });

  it("is due on its day if the clock skips midnight", () => {
    expect(duesOf("0 0 * * *", "America/Havana", "2026-03-08T04:00:00Z", "2026-03-09T04:00:00Z")).toEqual([
      "01:00 05:00Z",
    ]);
    expect(duesOf("30 0 * * *", "Asia/Beirut", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z")).toEqual([
      "01:00 22:00Z",
    ]);
  });

  it("is due the first time if the clock shows a time twice", () => {
    const berlin = ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"] as const;
    expect(duesOf("30 2 * * *", "Europe/Berlin", ...berlin)).toEqual(["02:30 00:30Z"]);
    expect(duesOf("0 1-4 * * *", "Europe/Berlin", ...berlin)).toEqual([
      "01:00 23:00Z",
      "02:00 00:00Z",
      "03:00 02:00Z",
      "04:00 03:00Z",
    ]);
    expect(duesOf("30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z")).toEqual([
      "01:30 05:30Z",
    ]);
    expect(duesOf("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z")).toEqual([
      "01:45 14:45Z",
    ]);
    expect(duesOf("0 0 * * *", "America/Havana", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z")).toEqual([
      "00:00 04:00Z",
    ]);
  });

  it("is due at the same local time all year", () => {
    expect(nextTimes("0 9 * * *", "Asia/Kathmandu", Date.parse("2026-11-02T00:00:00Z"), 1)).toEqual([
      "2026-11-02T03:15:00.000Z",
    ]);
    for (const [day, utc] of [
      ["2026-07-01", "07:00"],
      ["2026-12-01", "08:00"],
    ]) {
      expect(nextTimes("0 9 * * *", "Europe/Berlin", Date.parse(`${day}T00:00:00Z`), 1)).toEqual([
        `${day}T${utc}:00.000Z`,
      ]);
    }
  });
});

describe("a cron with a wildcard or a step", () => {
  it("keeps even steps through gaps and overlaps", () => {
    for (const timezone of zones) {
      for (const from of ["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31"]) {
        // Clock changes of two hours either way are within these four days.
        const times = nextTimes("*/15 * * * *", timezone, Date.parse(`${from}T00:00:00Z`), 300).map(Date.parse);
        const steps = new Set(times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / MINUTE_MS));
        expect([...steps]).toEqual([15]);
      }
    }
  });

  it("is due in both hours of the same name, and in no skipped hour", () => {
    expect(duesOf("*/30 2 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")).toEqual([
      "02:00 00:00Z",
      "02:30 00:30Z",
      "02:00 01:00Z",
      "02:30 01:30Z",
    ]);
    expect(duesOf("*/30 2 * * *", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")).toEqual([]);
    expect(duesOf("0 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z")).toEqual([
      "02:00 00:00Z",
      "02:00 01:00Z",
      "03:00 02:00Z",
    ]);
  });
});

describe("due times of any schedule", () => {
  const field = (most: number, least = 0) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant("*") },
      { weight: 3, arbitrary: fc.integer({ min: least, max: most }).map(String) },
      { weight: 1, arbitrary: fc.integer({ min: 2, max: Math.min(most, 20) }).map((step) => `*/${step}`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
          .map((ends) => ends.toSorted((left, right) => left - right).join("-")),
      },
    );
  const anyCron = fc
    .tuple(field(59), field(23), field(28, 1), fc.constant("*"), field(6))
    .map((fields) => fields.join(" "));
  const anyMoment = fc
    .integer({ min: Date.parse("2025-01-01T00:00:00Z"), max: Date.parse("2028-01-01T00:00:00Z") })
    // Half of them are near a change of the clock.
    .chain((at) =>
      fc.oneof(
        fc.constant(at),
        fc
          .tuple(
            fc.constantFrom(
              "2026-03-08T07:00:00Z",
              "2026-03-29T01:00:00Z",
              "2026-10-25T01:00:00Z",
              "2026-04-04T15:00:00Z",
            ),
            fc.integer({ min: -180, max: 180 }),
            fc.nat(59_999),
          )
          .map(([near, minutes, ms]) => Date.parse(near) + minutes * MINUTE_MS + ms),
      ),
    );

  it("increase strictly, are later than `from`, and are whole minutes", () => {
    fc.assert(
      fc.property(anyCron, fc.constantFrom(...zones), anyMoment, (cron, timezone, from) => {
        const times = nextTimes(cron, timezone, from, 8).map(Date.parse);
        for (const [index, time] of times.entries()) {
          expect(time).toBeGreaterThan(times[index - 1] ?? from);
          expect(time % MINUTE_MS).toBe(0);
        }
      }),
      { numRuns: runCount(300) },
    );
  });

  it("are the same when searched backwards", () => {
    fc.assert(
      fc.property(anyCron, fc.constantFrom(...zones), anyMoment, fc.nat(200), (cron, timezone, from, minutes) => {
        const until = from + minutes * MINUTE_MS;
        const before = nextTimes(cron, timezone, from, minutes + 1).filter((time) => Date.parse(time) <= until);
        expect(lastDue(cron, timezone, from, until)).toBe(before.at(-1) ?? null);
        const [next] = nextTimes(cron, timezone, from, 1);
        if (next === undefined) return;
        const at = Date.parse(next);
        expect(lastDue(cron, timezone, at - 1, at)).toBe(next);
        expect(lastDue(cron, timezone, from, at - 1)).toBeNull();
        expect(lastDue(cron, timezone, at, at)).toBeNull();
      }),
      { numRuns: runCount(300) },
    );
  });
});

describe("a cron expression", () => {
  const from = Date.parse("2026-11-25T00:00:00Z");

  it("is read like in other programs, and as documented for what these can't express", () => {
    for (const [cron, due] of [
      ["0 9 1 * MON", "2026-11-30"],
      ["0 9 1-7 * +MON", "2026-12-07"],
      ["0 9 L * *", "2026-11-30"],
      ["0 9 * * FRIL", "2026-11-27"],
      ["0 9 * * MON#2", "2026-12-14"],
      ["0 9 15W 8 *", "2027-08-16"],
      ["0 9 * * 7", "2026-11-29"],
      ["0 9 29 2 *", "2028-02-29"],
    ] as const) {
      expect([cron, nextTimes(cron, "UTC", from, 1)]).toEqual([cron, [`${due}T09:00:00.000Z`]]);
    }
    expect(nextTimes("@weekly", "UTC", from, 1)).toEqual(["2026-11-29T00:00:00.000Z"]);
  });
});

describe("findScheduleFault", () => {
  const from = Date.parse("2026-11-25T00:00:00Z");

  it("finds none in a schedule that can be due", () => {
    for (const cron of [
      "* * * * *",
      " 0  9 * * MON-FRI ",
      "@daily",
      "@HOURLY",
      "0 0 29 2 *",
      "0 9 L * *",
      "0 9 * * 7",
      "0 9 ? * 1#2",
    ]) {
      expect(findScheduleFault(cron, "Europe/Berlin", from)).toBeNull();
    }
    for (const timezone of ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "America/Port-au-Prince"]) {
      expect(findScheduleFault("0 9 * * *", timezone, from)).toBeNull();
    }
  });

  it("names the wrong field and the reason", () => {
    for (const [cron, detail] of [
      ["* * * * * *", "too many fields"],
      ["0 0 9 * * * 2027", "too many fields"],
      ["0 9 * *", "five fields"],
      ["", "five fields"],
      ["2026-12-01T09:00:00", "five fields"],
      ["@reboot", "nicknames"],
      ["@daily 5", "nicknames"],
      ["61 * * * *", "61"],
      ["0 0 32 * *", "day: 32"],
      ["0 0 0 * *", "day: 0"],
      ["0 0 1 13 *", "month: 13"],
      ["0 0 1 1 9", "9"],
      ["a b c d e", "illegal"],
      ["*/0 * * * *", "stepping"],
      ["0 0 30 2 *", "never due"],
      ["0 0 31 4,6 *", "never due"],
      [`${"0,".repeat(120)}0 * * * *`, "longer than"],
    ] as const) {
      expect(findScheduleFault(cron, "UTC", from)).toMatch(/^cron: /);
      expect(findScheduleFault(cron, "UTC", from)).toContain(detail);
    }
    for (const timezone of ["Mars/Phobos", "+02:00", "", " UTC", "Europe/Berlin\n", "x".repeat(500)]) {
      expect(findScheduleFault("0 9 * * *", timezone, from)).toMatch(/^timezone: /);
    }
  });

  it("returns a bounded text for any input and never throws", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), fc.string({ maxLength: 80 }), (cron, timezone) => {
        expect((findScheduleFault(cron, timezone, from) ?? "").length).toBeLessThan(300);
      }),
    );
  });
});

describe("findCloseTimes", () => {
  const now = Date.parse("2026-11-25T08:02:30Z");

  it.each(["* * * * *", "*/4 * * * *", "0,4 * * * *", "* 9 * * *", "59,0 * * * *", "0,58 0,23 * * *", "*/7 * * * *"])(
    "finds due times of %s that are less than five minutes apart",
    (cron) => {
      expect(findCloseTimes(cron, 5, now)).toMatch(/^\d\d:\d\d and \d\d:\d\d$/);
    },
  );

  it.each(["*/5 * * * *", "2-59/5 * * * *", "0 9 * * MON-FRI", "@hourly", "0 0 29 2 *", "0,30 2 * * *", "0 0 1 1 *"])(
    "finds none of %s",
    (cron) => {
      expect(findCloseTimes(cron, 5, now)).toBeNull();
    },
  );

  it("names the two, as around the full hour", () => {
    expect(findCloseTimes("*/7 * * * *", 5, now)).toBe("08:56 and 09:00");
  });

  it("has an example for each pace that fits it", () => {
    for (let minutes = 2; minutes <= 60; minutes++) {
      expect([minutes, findCloseTimes(exampleOfPace(minutes), minutes, now)]).toEqual([minutes, null]);
    }
    expect([exampleOfPace(5), exampleOfPace(7), exampleOfPace(45)]).toEqual([
      ...["*/5 * * * *", "*/10 * * * *", "0 * * * *"],
    ]);
  });

  it("is right about any list of minutes, whenever it is asked", () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 2, max: 60 }),
        fc.integer({ min: 0, max: 366 * 24 * 60 }),
        (minutes, apart, later) => {
          const sorted = minutes.toSorted((one, other) => one - other);
          const gaps = sorted.map((minute, index) => (sorted[index + 1] ?? (sorted[0] ?? 0) + 60) - minute);
          const found = findCloseTimes(`${sorted.join(",")} * * * *`, apart, now + later * MINUTE_MS) !== null;
          expect(found).toBe(Math.min(...gaps) < apart);
        },
      ),
    ));
});

describe("formatDueTime", () => {
  it("shows day, time, zone and offset", () => {
    expect(formatDueTime("2026-11-02T08:00:00.000Z", "Europe/Berlin")).toBe(
      "Monday, 2026-11-02 09:00, Europe/Berlin (GMT+01:00)",
    );
    expect(formatDueTime("2026-10-31T18:15:00.000Z", "Asia/Kathmandu")).toBe(
      "Sunday, 2026-11-01 00:00, Asia/Kathmandu (GMT+05:45)",
    );
  });
});
