// A conversation with the instance, streamed, each answer with its sources and its receipt.
import { Button } from "@cloudflare/kumo/components/button";
import { Loader } from "@cloudflare/kumo/components/loader";
import { PaperPlaneRightIcon, StopIcon, TrashIcon } from "@phosphor-icons/react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { chat, type Place } from "../../api/calls";
import { readFrames } from "../../api/stream";
import type { Chunk } from "../../api/types";
import { plural, score } from "../../words";
import { AreaField } from "../fields";
import { useWide } from "../../hooks";
import { Failed } from "../states";
import { ChunkPanel, InDocumentPanel } from "./chunk";
import { ConnectModel } from "./guide";
import { Prose } from "./markdown";
import { Options } from "./options";
import { chatBody, filtersOf, type Plan } from "./plan";
import { belowOf } from "./receipt";
import { EXTRACTIVE, Trace, type Traced } from "./trace";

interface Turn extends Traced {
  answer: string;
  chunks: Chunk[];
  error?: unknown;
  done: boolean;
}

export function Chat({ place, plan, set, onAsked, start }: { place: Place; plan: Plan; set: (change: Partial<Plan>) => void; onAsked: (plan: Plan) => void; start: boolean }) {
  const [turns, setTurns] = useState<Turn[]>([]);
  const [open, setOpen] = useState<Chunk | null>(null);
  const [cited, setCited] = useState<Chunk | null>(null);
  const wide = useWide();
  const running = useRef<AbortController>(null);
  const busy = turns.at(-1)?.done === false;
  const begun = useRef(false);

  async function ask(): Promise<void> {
    const question = plan.query.trim();
    if (!question || busy || filtersOf(plan.filters).error) return;
    const before = turns.filter((one) => !one.error);
    const messages = [...before.flatMap((one) => [{ role: "user", content: one.question }, { role: "assistant", content: one.answer }]), { role: "user", content: question }];
    setTurns([...before, { question, answer: "", chunks: [], trace: [], done: false }]);
    onAsked(plan);
    set({ query: "" });
    const change = (next: (turn: Turn) => Partial<Turn>) => setTurns((all) => all.map((one, at) => (at === all.length - 1 ? { ...one, ...next(one) } : one)));
    const controller = new AbortController();
    running.current = controller;
    const began = performance.now();
    try {
      for await (const frame of readFrames(await chat(place, chatBody(plan, messages), controller.signal)))
        change((turn) => ({
          ...(frame.chunks && { chunks: frame.chunks }),
          ...(frame.text && { answer: turn.answer + frame.text }),
          ...(frame.receipt && { receipt: frame.receipt }),
          ...(frame.trace && { trace: frame.trace }),
          ...(frame.thresholds && { thresholds: frame.thresholds }),
          ...(frame.dropped && { dropped: frame.dropped }),
          ...(frame.model && { model: frame.model }),
          ...(frame.searched && { searched: frame.searched }),
          ...(frame.usage && { usage: frame.usage }),
          ...(frame.generation && { generation: frame.generation }),
        }));
      change(() => ({ done: true, took: performance.now() - began }));
    } catch (error) {
      change(() => (controller.signal.aborted ? { done: true } : { done: true, error }));
    }
  }
  // biome-ignore lint: a shared link is replayed once
  useEffect(() => {
    if (start && !begun.current) {
      begun.current = true;
      void ask();
    }
    return () => running.current?.abort();
  }, []);

  function submit(event: FormEvent): void {
    event.preventDefault();
    void ask();
  }
  return (
    <div className="flex flex-col gap-4">
      {!turns.length && <p className="rounded-xl border border-dashed border-kumo-line px-6 py-10 text-center text-kumo-subtle">Ask a question. The answer is based on the retrieved chunks and cites them.</p>}
      {turns.map((turn, at) => (
        <article key={at} className="flex flex-col gap-3" aria-label={`Question ${at + 1}`}>
          <p className="max-w-[85%] self-end rounded-2xl rounded-br-md bg-[var(--accent-soft)] px-4 py-2 whitespace-pre-wrap">{turn.question}</p>
          <div className="rounded-2xl rounded-bl-md border border-kumo-hairline bg-kumo-base px-4 py-3 shadow-xs" aria-busy={!turn.done}>
            {turn.error ? <Failed error={turn.error} title="No answer" /> : null}
            {turn.answer && (
              <div aria-live={turn.done ? "polite" : "off"}>
                <Prose text={turn.answer} chunks={turn.chunks} onOpen={setCited} />
              </div>
            )}
            {turn.done && !turn.error && turn.model === EXTRACTIVE && turn.chunks.length > 0 && (
              <div className="mt-3">
                <ConnectModel />
              </div>
            )}
            {!turn.answer && !turn.done && (
              <p className="flex items-center gap-2 text-kumo-subtle" role="status">
                <Loader size="sm" /> {turn.chunks.length ? "Writing …" : "Searching …"}
              </p>
            )}
            {turn.chunks.length > 0 && (
              <details open={at === turns.length - 1} className="mt-3 border-t border-kumo-hairline pt-2 text-[13px]">
                <summary className="cursor-pointer text-kumo-subtle">
                  {plural(turn.chunks.length, "source")}
                </summary>
                <ol className="mt-2 flex flex-col gap-1">
                  {turn.chunks.map((chunk, rank) => (
                    <li key={chunk.id}>
                      <button type="button" aria-haspopup="dialog" className="flex w-full cursor-pointer justify-between gap-3 rounded px-2 py-1 text-left hover:bg-kumo-tint" onClick={() => setOpen(chunk)}>
                        <span className="truncate">
                          {rank + 1}. {chunk.item.key}
                        </span>
                        <span className="mono">{score(chunk.score)}</span>
                      </button>
                    </li>
                  ))}
                </ol>
              </details>
            )}
            {turn.done && !turn.error && !turn.chunks.length && belowOf(turn.thresholds).length > 0 && <p className="mt-2 text-[13px] text-kumo-subtle">Dropped: {belowOf(turn.thresholds).join("; ")}. Lower the threshold in the options to use more.</p>}
            {turn.done && (turn.trace.length > 0 || turn.generation) && <Trace turn={turn} />}
          </div>
        </article>
      ))}
      {!wide && <Options plan={plan} set={set} folded />}
      <form onSubmit={submit} className="flex items-end gap-2">
        <div className="min-w-0 flex-1" onKeyDown={(event) => event.key === "Enter" && !event.shiftKey && submit(event)}>
          <AreaField label={turns.length ? "Follow-up question" : "Question"} rows={2} value={plan.query} onChange={(query) => set({ query })} />
        </div>
        {busy ? (
          <Button icon={<StopIcon />} onClick={() => running.current?.abort()}>
            Stop
          </Button>
        ) : (
          <Button type="submit" variant="primary" icon={<PaperPlaneRightIcon />} disabled={!plan.query.trim()}>
            Send
          </Button>
        )}
        {turns.length > 0 && <Button shape="square" variant="ghost" aria-label="Clear the conversation" icon={<TrashIcon />} onClick={() => setTurns([])} />}
      </form>
      {cited && <InDocumentPanel chunk={cited} place={place} onClose={() => setCited(null)} />}
      {open && <ChunkPanel chunk={open} place={place} onClose={() => setOpen(null)} />}
    </div>
  );
}
