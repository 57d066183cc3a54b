// The style of `/docs`.
export const docsStyle = `
:root {
  --ink: #1c2330; --soft: #5b6576; --line: #e2e6ec; --page: #ffffff; --panel: #f6f7f9; --accent: #2457c5;
  --get: #1a7f4b; --post: #2457c5; --patch: #9a5b00; --delete: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ef; --soft: #9aa5b8; --line: #2c3442; --page: #12161d; --panel: #1a2029; --accent: #8ab0ff;
    --get: #5fd39a; --post: #8ab0ff; --patch: #f0b35a; --delete: #ff8f85;
  }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--page); font: 15px/1.55 system-ui, sans-serif; display: flex; }
nav { position: sticky; top: 0; height: 100vh; width: 16rem; flex: none; overflow-y: auto; padding: 1.5rem 1rem;
  border-right: 1px solid var(--line); background: var(--panel); }
nav a { display: block; padding: .15rem .5rem; color: var(--ink); text-decoration: none; border-radius: 4px; }
nav a:hover { background: var(--line); }
nav a.brand { font-weight: 700; font-size: 1.05rem; margin-bottom: .75rem; }
nav h2 { font-size: .72rem; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); margin: 1.1rem .5rem .25rem; }
main { flex: 1; min-width: 0; max-width: 60rem; padding: 2rem 2.5rem 6rem; }
h1 { margin: 0; font-size: 1.7rem; }
main > h2 { margin: 2.5rem 0 .75rem; font-size: 1.2rem; }
h3 { font-size: .95rem; margin: 1.1rem 0 .4rem; }
p { margin: .5rem 0; }
.soft { color: var(--soft); }
a { color: var(--accent); }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; background: var(--page); }
details > :not(summary) { margin-left: 1rem; margin-right: 1rem; }
details[open] { padding-bottom: 1rem; }
summary { cursor: pointer; padding: .55rem .9rem; display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap; list-style: none; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
summary::-webkit-details-marker { display: none; }
details details { background: var(--panel); }
.method { font: 700 .75rem/1 ui-monospace, monospace; width: 3.6rem; flex: none; text-transform: uppercase; }
.get { color: var(--get); } .post { color: var(--post); } .patch { color: var(--patch); } .delete { color: var(--delete); }
.path { font: .9rem ui-monospace, monospace; overflow-wrap: anywhere; }
.status { font: 700 .85rem ui-monospace, monospace; }
code, pre { font: .84rem/1.5 ui-monospace, monospace; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; overflow-x: auto; }
table { border-collapse: collapse; width: calc(100% - 2rem); }
td.soft { overflow-wrap: anywhere; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; font-size: .8rem; }
ul.fields { list-style: none; padding-left: 1rem; border-left: 2px solid var(--line); margin-top: .25rem; margin-bottom: .25rem; }
.type { color: var(--soft); font: .82rem ui-monospace, monospace; }
.needed { color: var(--delete); font-size: .75rem; }
@media (max-width: 46rem) {
  body { display: block; }
  nav { position: static; width: auto; height: auto; max-height: 40vh; border-right: 0; border-bottom: 1px solid var(--line); }
  main { padding: 1.25rem 1rem 4rem; }
}
`;
