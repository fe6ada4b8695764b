// Search and chat, with what reranking changed in sight.
import { Button } from "@cloudflare/kumo/components/button";
import { Loader } from "@cloudflare/kumo/components/loader";
import { MagnifyingGlassIcon } from "@phosphor-icons/react";
import { type FormEvent, useCallback, useEffect, useRef, useState } from "react";
import { search } from "../../api/calls";
import type { Chunk, SearchResult } from "../../api/types";
import { useSettled, useWide } from "../../hooks";
import { Card } from "../../parts/card";
import { CopyButton } from "../../parts/copy";
import { TextField } from "../../parts/fields";
import { Chat } from "../../parts/play/chat";
import { ChunkPanel, ResultCard } from "../../parts/play/chunk";
import { Compare } from "../../parts/play/compare";
import { SetChooser, Thumbs, useGrades, useJudging } from "../../parts/play/judge";
import { Options } from "../../parts/play/options";
import { filtersOf, freshPlan, fromHash, type Plan, rank, sampleOf, searchBody, toHash, wideBody } from "../../parts/play/plan";
import { Receipt } from "../../parts/play/receipt";
import { Why } from "../../parts/play/why";
import { AddFirst, isEmpty } from "../../parts/add-first";
import { Failed, Nothing } from "../../parts/states";
import { setHash } from "../../router";
import { plural } from "../../words";
import { useHere } from "../../parts/here";

interface Run {
  plan: Plan;
  exact: SearchResult;
  wide: Chunk[];
  total: number;
  hit: boolean;
}

export default function Playground() {
  const { instance, place } = useHere();
  const wide = useWide();
  const [shared] = useState(() => fromHash(location.hash, freshPlan(instance)));
  const [plan, setPlan] = useState<Plan>(() => shared ?? freshPlan(instance));
  const set = useCallback((change: Partial<Plan>) => setPlan((before) => ({ ...before, ...change })), []);
  const [asked, setAsked] = useState<Plan>(plan);
  const remember = useCallback((next: Plan) => {
    setAsked(next);
    setHash(toHash(next));
  }, []);

  return (
    <div className="grid items-start gap-5 lg:grid-cols-[17rem_minmax(0,1fr)]">
      {wide && <Options plan={plan} set={set} />}
      <div className="min-w-0">
        <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
          <h1 className="sr-only">Playground of {instance.id}</h1>
          <div role="group" aria-label="What to do" className="flex rounded-lg bg-kumo-recessed p-1">
            {(["search", "chat"] as const).map((mode) => (
              <button key={mode} type="button" aria-pressed={plan.mode === mode} onClick={() => set({ mode })} className={`cursor-pointer rounded-md px-4 py-1 ${plan.mode === mode ? "bg-kumo-base font-medium shadow-xs" : "text-kumo-subtle"}`}>
                {mode === "search" ? "Search" : "Chat"}
              </button>
            ))}
          </div>
          <Share plan={plan.query ? plan : { ...asked, mode: plan.mode }} />
        </div>
        {plan.mode === "search" ? <Searching plan={plan} set={set} start={shared !== null} onAsked={remember} /> : <Chat place={place} plan={plan} set={set} onAsked={remember} start={shared?.mode === "chat"} />}
      </div>
    </div>
  );
}

function Share({ plan }: { plan: Plan }) {
  const { instance } = useHere();
  return (
    <div className="flex flex-wrap items-center gap-2">
      <CopyButton label="curl" text={() => sampleOf("curl", instance, plan)} />
      <CopyButton label="Python" text={() => sampleOf("python", instance, plan)} />
      <CopyButton label="JavaScript" text={() => sampleOf("javascript", instance, plan)} />
      <CopyButton label="Link to this run" text={() => location.origin + location.pathname + toHash(plan)} />
    </div>
  );
}

function Searching({ plan, set, start, onAsked }: { plan: Plan; set: (change: Partial<Plan>) => void; start: boolean; onAsked: (plan: Plan) => void }) {
  const { place, stats, home } = useHere();
  const wide = useWide();
  const judging = useJudging(place);
  const [run, setRun] = useState<Run>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [open, setOpen] = useState<Chunk | null>(null);
  const running = useRef<AbortController>(null);
  const known = useRef<{ key: string; chunks: Chunk[] }>(undefined);

  const go = useCallback(
    async (wanted: Plan, noted = true) => {
      if (!wanted.query.trim() || filtersOf(wanted.filters).error) return;
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      setBusy(true);
      onAsked(wanted);
      try {
        const wider = JSON.stringify(wideBody(wanted));
        const before = known.current?.key === wider ? known.current.chunks : null;
        const all = before ?? (await search(place, wideBody(wanted), controller.signal)).result.chunks;
        known.current = { key: wider, chunks: all };
        const began = performance.now();
        const found = await search(place, { ...searchBody(wanted), explain: !wanted.cached, query_log: noted ? "playground" : false } as ReturnType<typeof searchBody>, controller.signal);
        setRun({ plan: wanted, exact: found.result, wide: all, total: performance.now() - began, hit: found.cache === "HIT" });
        setError(undefined);
      } catch (problem) {
        if (!controller.signal.aborted) {
          setError(problem);
          known.current = undefined;
        }
      } finally {
        if (running.current === controller) setBusy(false);
      }
    },
    [place, onAsked],
  );

  // After the first run, what is changed at the side is asked again by itself; a new query waits for Enter.
  const { query: _query, mode: _mode, ...options } = plan;
  const settled = useSettled(JSON.stringify(options), 350);
  const first = useRef(true);
  // biome-ignore lint: runs when the options have settled
  useEffect(() => {
    if (first.current) {
      first.current = false;
      if (start) void go(plan);
      return;
    }
    if (run) void go({ ...plan, query: run.plan.query }, false);
  }, [settled]);
  useEffect(() => () => running.current?.abort(), []);

  function submit(event: FormEvent): void {
    event.preventDefault();
    void go(plan);
  }
  const shown = run && { ...plan, query: run.plan.query };
  const exact = new Map(run?.exact.chunks.map((one) => [one.id, one]));
  const merged = run ? [...run.wide.map((one) => (exact.has(one.id) ? merge(one, exact.get(one.id)) : one)), ...run.exact.chunks.filter((one) => !run.wide.some((other) => other.id === one.id))] : [];
  const ranked = shown ? rank(merged, shown, run?.exact.reranking?.threshold) : [];
  const reranked = !!run && ranked.some((one) => one.chunk.scoring_details?.reranking_score !== undefined);
  const kept = ranked.filter((one) => !one.drop);
  const { grades, give } = useGrades(judging, run?.plan.query ?? "");

  return (
    <div className="flex flex-col gap-5">
      <form onSubmit={submit} className="flex items-end gap-2" role="search">
        <div className="min-w-0 flex-1">
          <TextField label="Query" value={plan.query} onChange={(query) => set({ query })} placeholder="Ask as your users would" autoFocus type="search" />
        </div>
        <Button type="submit" variant="primary" icon={busy ? <Loader size="sm" /> : <MagnifyingGlassIcon />} disabled={!plan.query.trim()}>
          Search
        </Button>
      </form>
      {!wide && <Options plan={plan} set={set} folded />}
      {error !== undefined && <Failed error={error} retry={() => void go(plan)} title="Search failed" />}
      {!run && !error && !busy && (isEmpty(stats) ? <AddFirst /> : <Nothing icon={<MagnifyingGlassIcon size={36} />} title="Search this instance">See what retrieval finds, how the reranker reorders it, and why.</Nothing>)}
      {run && shown && (
        <div className={`flex flex-col gap-5 transition-opacity ${busy ? "opacity-70" : ""}`} aria-busy={busy}>
          {run.exact.search_query !== run.plan.query && <p>Searched for “{run.exact.search_query}”.</p>}
          <p role="status" className="text-[13px] text-kumo-subtle">
            {plural(kept.length, "result")} of {plural(merged.length, "candidate")}
            {reranked && kept[0] && (kept[0].chunk.scoring_details?.retrieval_rank === 1 ? " · top result unchanged" : ` · reranking moved number ${kept[0].chunk.scoring_details?.retrieval_rank} to the top`)}
          </p>
          {run.exact.errors?.map((one, at) => <Failed key={at} title="Part of the search failed" error={one.message ?? one.method} />)}
          {merged.length ? (
            <Card title={reranked ? "Before and after reranking" : "Retrieved"} about="Move a threshold to see at once which candidates it drops.">
              <Compare ranked={ranked} reranked={reranked} open={setOpen} />
            </Card>
          ) : (
            isEmpty(stats) ? <AddFirst /> : <Nothing title="No results">No chunk matches this query. Try other words, another search mode, or no filter.</Nothing>
          )}
          {merged.length > 0 && !kept.length && <Nothing title="No candidate passes">All candidates are below the thresholds. Lower them to see results.</Nothing>}
          <Receipt receipt={run.exact.reranking} trace={run.exact.trace ?? []} dropped={run.exact.dropped ?? []} thresholds={run.exact.thresholds} total={run.total} hit={run.hit} />
          {kept.length > 0 && (
            <section aria-label="Results">
              <div className="mb-3 flex flex-wrap items-end justify-between gap-3">
                <h2 className="text-[15px] font-semibold">Results</h2>
                <SetChooser judging={judging} home={home} />
              </div>
              <ol className="flex flex-col gap-3">
                {kept.map((one) => (
                  <ResultCard key={one.chunk.id} chunk={one.chunk} rank={one.rank} place={place} thumbs={<Thumbs grade={grades[one.chunk.id]} give={(grade) => void give(one.chunk.id, grade)} about={one.chunk.item.key} />} />
                ))}
              </ol>
            </section>
          )}
          <Why place={place} plan={shown} />
        </div>
      )}
      {open && <ChunkPanel chunk={open} place={place} onClose={() => setOpen(null)} />}
    </div>
  );
}

/** The exact answer has the sentence and the expanded text; the wide one has the places before any threshold. */
function merge(wide: Chunk, exact: Chunk | undefined): Chunk {
  if (!exact) return wide;
  return { ...wide, ...exact, score: exact.score, scoring_details: { ...wide.scoring_details, ...exact.scoring_details } };
}
