// The page at `/`: channels and threads, a line to write in, buttons to click, a view to submit. One file, no build.
export const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A fake Slack</title>
<style>
:root { color-scheme: light dark; --line: #8884; --accent: #1264a3; }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: 14rem 1fr; height: 100vh; }
nav { border-right: 1px solid var(--line); padding: 1rem; overflow: auto; }
nav button { display: block; width: 100%; text-align: left; border: 0; background: none; padding: .3rem .5rem; border-radius: 6px; font: inherit; color: inherit; cursor: pointer; }
nav button[aria-current=true] { background: var(--accent); color: #fff; }
main { display: flex; flex-direction: column; min-width: 0; }
#messages { flex: 1; overflow: auto; padding: 1rem; }
.message { padding: .35rem .5rem; border-radius: 6px; }
.reply { margin-left: 2rem; border-left: 2px solid var(--line); padding-left: .8rem; }
.who { font-weight: 600; } .time, .note { opacity: .6; font-size: .85em; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
button.act { margin: .3rem .3rem 0 0; padding: .25rem .7rem; border-radius: 6px; border: 1px solid var(--line); cursor: pointer; font: inherit; }
button.quiet { border: 0; background: none; color: inherit; opacity: .55; cursor: pointer; font: inherit; font-size: .85em; }
button.primary { background: #007a5a; color: #fff; } button.danger { background: #c01343; color: #fff; }
form.write { display: flex; gap: .5rem; padding: .8rem 1rem; border-top: 1px solid var(--line); align-items: center; }
input, select, textarea { font: inherit; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: 6px; }
form.write input[name=text] { flex: 1; min-width: 0; }
dialog { border: 1px solid var(--line); border-radius: 10px; min-width: 22rem; max-width: 36rem; }
dialog label { display: block; margin: .6rem 0; } dialog textarea, dialog input[type=text] { width: 100%; }
.error { color: #c01343; }
</style>
<nav><strong id="team"></strong><p class="note" id="app"></p><div id="channels"></div>
<button id="assistant">+ Open the assistant</button></nav>
<main><div id="messages"></div>
<form class="write"><select name="user" title="who writes"></select><span class="note" id="where"></span>
<input name="text" autocomplete="off" placeholder="A message, or /command words"><label class="note"><input type="checkbox" name="mention" checked> @taskloom</label><button class="act primary">Send</button></form></main>
<dialog id="view"></dialog>
<script>
let state, channel, thread, drawn = "", drawnView = "";
const $ = (id) => document.getElementById(id);
const form = document.querySelector("form.write");
const make = (tag, options = {}, ...children) => { const node = Object.assign(document.createElement(tag), options); node.append(...children); return node; };
const post = async (act, body) => { const answer = await (await fetch("/_control/" + act, { method: "POST", body: JSON.stringify(body) })).json(); if (!answer.ok) alert(answer.error); await load(); return answer; };
const user = () => form.user.value;
const load = async () => { state = await (await fetch("/_control/state")).json(); draw(); };
const elementsOf = (blocks) => (blocks || []).flatMap((block) => [...(block.elements || []), block.accessory].filter((one) => one && one.action_id).map((element) => ({ block, element })));
const control = (ts, block, element) => {
  const send = (value) => post("click", { channel: channel.id, user: user(), ts, action_id: element.action_id, block_id: block.block_id, value });
  if (element.type === "button") return make("button", { className: "act " + (element.style || ""), textContent: element.text.text, onclick: () => element.url ? window.open(element.url, "_blank", "noopener") && send() : send() });
  const select = make("select", { onchange: () => send(select.value) }, make("option", { textContent: element.placeholder ? element.placeholder.text : "…", value: "" }), ...(element.options || []).map((one) => make("option", { textContent: one.text.text, value: one.value })));
  return select;
};
const drawMessage = (one) => make("div", { className: "message" + (one.thread_ts !== one.ts ? " reply" : "") },
  make("span", { className: "who", textContent: one.name + " " }), make("span", { className: "time", textContent: new Date(one.ts * 1000).toLocaleTimeString() + (one.writing ? " · writing…" : "") + " " }),
  make("button", { className: "quiet", textContent: "reply", onclick: () => { thread = one.thread_ts; drawn = ""; draw(); form.text.focus(); } }),
  make("pre", { textContent: one.shown }), ...elementsOf(one.blocks).map(({ block, element }) => control(one.ts, block, element)));
const drawInput = (block) => {
  const { element } = block, key = block.block_id + "/" + element.action_id;
  let field;
  if (element.options) field = make("select", { name: key, multiple: element.type === "checkboxes" || element.type.startsWith("multi") }, ...element.options.map((one) => make("option", { textContent: one.text.text, value: one.value })));
  else if (element.multiline) field = make("textarea", { name: key, rows: 4, value: element.initial_value || "" });
  else field = make("input", { type: "text", name: key, value: element.initial_value || "" });
  field.required = !block.optional;
  return make("label", {}, block.label.text, make("br"), field);
};
const drawView = (open) => {
  const dialog = $("view"), next = JSON.stringify(open || null);
  if (next === drawnView) return;
  drawnView = next;
  if (!open) return dialog.close();
  const { view, errors } = open;
  const box = make("form", { onsubmit: async (event) => { event.preventDefault(); const values = {}; for (const field of box.querySelectorAll("[name]")) if (field.value !== "") values[field.name] = field.multiple ? [...field.selectedOptions].map((one) => one.value) : field.value; await post("submit", { user: user(), values }); } },
    make("h3", { textContent: view.title.text }),
    ...view.blocks.map((block) => block.type === "input" ? drawInput(block) : make("p", { textContent: block.text ? block.text.text || block.text : "" })),
    ...Object.values(errors || {}).map((text) => make("p", { className: "error", textContent: text })),
    make("button", { type: "button", className: "act", textContent: view.close ? view.close.text : "Cancel", onclick: () => post("close-view", { user: user() }) }));
  if (view.submit) box.append(make("button", { className: "act primary", textContent: view.submit.text }));
  dialog.replaceChildren(box);
  if (!dialog.open) dialog.showModal();
};
const draw = () => {
  const team = state.workspaces[0];
  channel = team.channels.find((one) => channel && one.id === channel.id) || team.channels[0];
  drawView(team.views.filter((one) => !user() || one.user === user()).at(-1));
  const next = JSON.stringify([state.app, team.name, team.installed, team.channels, channel.id, thread]);
  if (next === drawn) return;
  drawn = next;
  $("team").textContent = team.name;
  const events = state.app.addresses.events;
  $("app").replaceChildren(team.installed ? "Taskloom is installed." : events ? make("a", { href: events.replace(/events$/, "install"), textContent: "Install Taskloom" }) : "No app is connected.");
  $("channels").replaceChildren(...team.channels.map((one) => make("button", { ariaCurrent: one.id === channel.id, textContent: (one.kind === "im" ? "@ " : "# ") + one.name, onclick: () => { channel = one; thread = undefined; draw(); } })));
  if (form.user.options.length === 0) form.user.append(...team.users.filter((one) => !one.isBot).map((one) => make("option", { value: one.id, textContent: one.name })));
  $("where").textContent = thread ? "in the thread " : channel.name;
  $("where").onclick = () => { thread = undefined; draw(); };
  const roots = channel.messages.filter((one) => one.thread_ts === one.ts);
  const nodes = roots.flatMap((root) => { const about = channel.threads.find((one) => one.ts === root.ts);
    const notes = about ? [make("div", { className: "reply note", textContent: [about.title, about.status, about.session].filter(Boolean).join(" · ") }, ...(about.prompts || []).map((one) => make("button", { className: "act", textContent: one.title, onclick: () => post("reply", { channel: channel.id, user: user(), text: one.message, thread_ts: root.ts }) })), ...(about.session === "processing" ? [make("button", { className: "act danger", textContent: "Stop", onclick: () => post("stop", { channel: channel.id, user: user(), thread_ts: root.ts }) })] : []))] : [];
    return [...channel.messages.filter((one) => one.thread_ts === root.ts).map(drawMessage), ...notes]; });
  const seen = channel.ephemerals.map((one) => make("div", { className: "message note" }, "only " + one.name + " sees: ", make("pre", { textContent: one.text }), ...elementsOf(one.blocks).map(({ block, element }) => control(one.ts, block, element))));
  const box = $("messages"), atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 40;
  box.replaceChildren(...nodes, ...seen);
  if (atEnd) box.scrollTop = box.scrollHeight;
};
$("assistant").onclick = async () => { const { thread_ts } = await post("assistant", { user: user() }); thread = thread_ts; channel = state.workspaces[0].channels.find((one) => one.messages.some((message) => message.ts === thread_ts)); draw(); };
form.onsubmit = async (event) => {
  event.preventDefault();
  const text = form.text.value.trim();
  if (!text) return;
  form.text.value = "";
  const words = /^(\\/\\S+)\\s*([^]*)$/.exec(text);
  const at = { channel: channel.id, user: user() };
  if (words) await post("command", { ...at, command: words[1], text: words[2] });
  else { const { ts } = await post(form.mention.checked && channel.kind !== "im" ? "mention" : "say", { ...at, text, thread_ts: thread }); thread = thread || ts; draw(); }
};
setInterval(() => document.hidden || load(), 700);
load();
</script></html>
`;
