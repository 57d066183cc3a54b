// The store of the thread in the address, for as long as that thread is open. A new thread has an id before the server
// knows it, so the address is complete when the first message is sent.
import { useEffect, useRef, useState } from "react";
import { newId } from "../client/ids.ts";
import { place } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import { ThreadStore } from "../state/thread-store.ts";
import { type AppValue, useApp } from "./context.ts";

export function useThread(): ThreadStore | null {
  const app = useApp();
  const named = useStore(place, ({ thread }) => thread);
  const open = useRef<ThreadStore | null>(null);
  const [thread, setThread] = useState<ThreadStore | null>(null);
  useEffect(() => {
    // The server names a new thread after its first message.
    if (open.current !== null && open.current.id === named) return;
    open.current?.close();
    open.current = openThread(app, named);
    setThread(open.current);
  }, [app, named]);
  useEffect(
    () => () => {
      open.current?.close();
      open.current = null;
    },
    [],
  );
  return thread;
}

function openThread({ api, threads, onUnauthorized }: AppValue, named: string | null): ThreadStore {
  const id = named ?? newId("thread");
  return new ThreadStore(api, id, { isNew: named === null, onTaken: () => threads.hearOf(id), onUnauthorized });
}
