// The models that the server offers, read once when a form is shown. Without the list any name can be typed, and the
// server says what is wrong with it.
import { useEffect, useState } from "react";
import { useApp } from "../../app/context.ts";
import type { ModelList } from "../../client/api.ts";

const none: ModelList = { data: [], incomplete: [] };

export function useModels(): ModelList {
  const { api } = useApp();
  const [models, setModels] = useState(none);
  useEffect(() => {
    let isCurrent = true;
    api.listModels().then(
      (list) => isCurrent && setModels(list),
      () => isCurrent && setModels(none),
    );
    return () => {
      isCurrent = false;
    };
  }, [api]);
  return models;
}
