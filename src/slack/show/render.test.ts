import { describe, expect, it } from "vitest";
import { place } from "../../../test/fakes/slack-channel.ts";
import { emptyView, type RunView } from "../../agent/run-view.ts";
import { render } from "./render.ts";

const section = (title: string): RunView["plan"]["sections"][number] => ({ id: "s1", title, tasks: [] });

describe("the server's own words", () => {
  it("are in the language of the plan, whatever the answer quotes", () => {
    const view = emptyView();
    view.texts = [{ id: "m1", text: "37% 的人每周至少有两天远程办公 [4]" }];
    for (const [title, chinese] of [
      ["Collect", false],
      ["资料收集", true],
    ] as const) {
      view.plan = { version: 1, sections: [section(title)] };
      expect(render(view, place, false)[0]).toMatchObject({ chinese });
    }
    view.plan = { version: 0, sections: [] };
    expect(render(view, place, false)[0]).toMatchObject({ chinese: true });
  });
});
