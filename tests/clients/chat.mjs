/**
 * Streams chats through clients of OpenAI, one a line of the input, and prints what the client made of each, as JSON:
 * `{ "client": "openai" | "@ai-sdk/openai" | "@ai-sdk/openai-compatible", "model": "handbook", "question": "…", "tools": false }`.
 * Nothing is caught but the clients' own errors, and no frame is passed over.
 */

import { createInterface } from "node:readline";
import OpenAI from "openai";
import { APICallError, jsonSchema, streamText, tool } from "ai";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";

const baseURL = process.env.CHAT_URL;
const apiKey = process.env.CHAT_KEY;
const parameters = { type: "object", properties: {} };

async function withOpenAI({ model, question, tools }) {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const told = { text: "", reason: null, tokens: 0, chunks: [], calls: [], frames: 0 };
  const stream = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: question }],
    stream: true,
    stream_options: { include_usage: true },
    ...(tools ? { tools: [{ type: "function", function: { name: "tide", parameters } }] } : {}),
  });
  for await (const frame of stream) {
    told.frames += 1;
    told.chunks.push(...(frame.chunks ?? []).map((one) => one.item.key));
    for (const choice of frame.choices) {
      told.text += choice.delta.content ?? "";
      for (const call of choice.delta.tool_calls ?? []) if (call.id) told.calls.push(call.function.name);
      told.reason = choice.finish_reason ?? told.reason;
    }
    if (frame.usage) told.tokens = frame.usage.total_tokens;
  }
  return told;
}

async function withModel(model, { question, tools }) {
  const failures = [];
  const told = { text: "", reason: null, tokens: 0, chunks: [], calls: [], frames: 0 };
  const result = streamText({
    model,
    prompt: question,
    maxRetries: 0,
    includeRawChunks: true,
    onError: ({ error }) => failures.push(error),
    ...(tools ? { tools: { tide: tool({ inputSchema: jsonSchema(parameters) }) } } : {}),
  });
  for await (const part of result.fullStream) {
    if (part.type === "raw") {
      told.frames += 1;
      told.chunks.push(...(part.rawValue.chunks ?? []).map((one) => one.item.key));
    }
    if (part.type === "text-delta") told.text += part.text;
    if (part.type === "tool-call") told.calls.push(part.toolName);
    if (part.type === "finish") Object.assign(told, { reason: part.finishReason, tokens: part.totalUsage.totalTokens });
  }
  if (failures.length) throw failures[0];
  return told;
}

const CLIENTS = {
  openai: withOpenAI,
  "@ai-sdk/openai": (asked) => withModel(createOpenAI({ baseURL, apiKey }).chat(asked.model), asked),
  "@ai-sdk/openai-compatible": (asked) =>
    withModel(createOpenAICompatible({ name: "secondlook", baseURL, apiKey, includeUsage: true })(asked.model), asked),
};

async function answer(asked) {
  try {
    return await CLIENTS[asked.client](asked);
  } catch (error) {
    if (error instanceof OpenAI.APIError) return { error: { status: error.status, code: error.code, message: error.message } };
    if (APICallError.isInstance(error)) {
      return { error: { status: error.statusCode, code: error.data.error.code, message: error.message } };
    }
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
