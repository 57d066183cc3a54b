// The page of `/docs`; its script fills it from `/openapi.json`.
export const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Taskloom API</title>
<link rel="stylesheet" href="/docs/app.css">
<script type="module" src="/docs/app.js"></script>
</head>
<body>
<nav aria-label="Contents"><a class="brand" href="#top">Taskloom API</a><div id="contents"></div></nav>
<main id="top"><p id="state">Loading…</p><noscript>This page needs JavaScript. The description itself is at
<a href="/openapi.json">/openapi.json</a>.</noscript></main>
</body>
</html>
`;
