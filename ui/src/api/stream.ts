// A chat as it is streamed: the chunks first, then the words, then the receipt.
import { ApiError } from "./client";
import type { Chunk, Receipt, Step } from "./types";

export interface ChatFrame {
  chunks?: Chunk[];
  text?: string;
  receipt?: Receipt;
  trace?: Step[];
  model?: string;
}

interface Frame {
  model?: string;
  choices?: { delta?: { content?: string }; finish_reason?: string }[];
  reranking?: Receipt;
  trace?: Step[];
  errors?: { code: number; message: string; detail?: string }[];
}

/** The frames of a stream; raises when it ends without its last line, or tells of an error. */
export async function* readFrames(answer: Response): AsyncGenerator<ChatFrame> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let done = false;
  while (reader && !done) {
    const read = await reader.read();
    if (read.done) break;
    rest += read.value;
    const events = rest.split(/\r?\n\r?\n/);
    rest = events.pop() ?? "";
    for (const event of events) {
      const lines = event.split(/\r?\n/);
      const kind = lines.find((line) => line.startsWith("event:"))?.slice(6).trim();
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (!data.length) continue;
      if (data[0] === "[DONE]") {
        done = true;
        break;
      }
      yield frameOf(kind, JSON.parse(data.join("\n")));
    }
  }
  if (!done) throw new ApiError(0, 0, "truncated", "The answer broke off. Ask again.");
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
  return made;
}
