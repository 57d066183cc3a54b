// What a row of `api_keys` is. A session is a key that a browser holds in a cookie: whatever watches, lists or ends what a
// key opened and made does so for a session too.

export type KeyKind = "key" | "session";
