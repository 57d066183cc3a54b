// What the bundle takes for parts of OpenAI's client ([alias] in wrangler.toml): its resources, of which it makes one each,
// pages, uploads, and streams, which src/models/exchange reads by itself. src asks with `post` alone, as the type of its
// client says (src/models/exchange/wire.ts).

class LeftOut {}

export {
  LeftOut as AbstractPage,
  LeftOut as Admin,
  LeftOut as Audio,
  LeftOut as Batches,
  LeftOut as Beta,
  LeftOut as Chat,
  LeftOut as Completions,
  LeftOut as Containers,
  LeftOut as ContentProvenanceChecks,
  LeftOut as ConversationCursorPage,
  LeftOut as Conversations,
  LeftOut as CursorPage,
  LeftOut as Decisions,
  LeftOut as Embeddings,
  LeftOut as Evals,
  LeftOut as Files,
  LeftOut as FineTuning,
  LeftOut as Graders,
  LeftOut as Images,
  LeftOut as Live,
  LeftOut as Models,
  LeftOut as Moderations,
  LeftOut as Page,
  LeftOut as PagePromise,
  LeftOut as Realtime,
  LeftOut as Responses,
  LeftOut as Safety,
  LeftOut as Skills,
  LeftOut as Stream,
  LeftOut as Uploads,
  LeftOut as VectorStores,
  LeftOut as Videos,
  LeftOut as Webhooks,
};

function leftOut(): never {
  throw new Error("The bundle's OpenAI client asks with `post` alone (scripts/bundle/openai/parts.ts).");
}

export {
  leftOut as finalizeStreamingFormRequestOptions,
  leftOut as hasUploadableValue,
  leftOut as maybeMultipartFormRequestOptions,
  leftOut as toFile,
  leftOut as toStreamingFile,
};
