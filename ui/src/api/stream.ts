// What the server tells as it happens. A chat: the chunks first, then the words, then the receipt.
import { ApiError } from "./client";
import type { Chunk, Dropped, Generation, Receipt, Step, Threshold, Usage } from "./types";

export interface ChatFrame {
  chunks?: Chunk[];
  text?: string;
  receipt?: Receipt;
  trace?: Step[];
  thresholds?: Threshold[];
  dropped?: Dropped[];
  model?: string;
  searched?: string;
  usage?: Usage;
  generation?: Generation;
}

interface Frame {
  model?: string;
  search_query?: string;
  usage?: Usage;
  generation?: Generation;
  choices?: { delta?: { content?: string }; finish_reason?: string }[];
  reranking?: Receipt;
  trace?: Step[];
  thresholds?: Threshold[];
  dropped?: Dropped[];
  errors?: { code: number; message: string; detail?: string }[];
}

export interface ServerEvent {
  id: string;
  kind: string | undefined;
  data: string;
}

/** Server-sent events as they come; ends with the stream. */
export async function* readEvents(answer: Response): AsyncGenerator<ServerEvent> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (reader) {
    const read = await reader.read();
    if (read.done) return;
    rest += read.value;
    const events = rest.split(/\r?\n\r?\n/);
    rest = events.pop() ?? "";
    for (const event of events) {
      const lines = event.split(/\r?\n/);
      const told = (name: string) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart());
      const data = told("data");
      if (data.length) yield { id: told("id")[0] ?? "", kind: told("event")[0]?.trim(), data: data.join("\n") };
    }
  }
}

/** The frames of a chat; raises when it ends without its last line, or tells of an error. */
export async function* readFrames(answer: Response): AsyncGenerator<ChatFrame> {
  for await (const event of readEvents(answer)) {
    if (event.data === "[DONE]") return;
    yield frameOf(event.kind, JSON.parse(event.data));
  }
  throw new ApiError(0, 0, "truncated", "The answer was cut short. Ask again.");
}

function frameOf(kind: string | undefined, value: unknown): ChatFrame {
  if (kind === "chunks") return { chunks: value as Chunk[] };
  const frame = value as Frame;
  const error = frame.errors?.[0];
  if (error && frame.choices?.[0]?.finish_reason === "error")
    throw new ApiError(200, error.code, error.message, error.detail ?? error.message);
  const made: ChatFrame = { text: frame.choices?.[0]?.delta?.content ?? "" };
  if (frame.model) made.model = frame.model;
  if (frame.reranking) made.receipt = frame.reranking;
  if (frame.trace) made.trace = frame.trace;
  if (frame.thresholds) made.thresholds = frame.thresholds;
  if (frame.dropped) made.dropped = frame.dropped;
  if (frame.search_query) made.searched = frame.search_query;
  if (frame.usage) made.usage = frame.usage;
  if (frame.generation) made.generation = frame.generation;
  return made;
}
