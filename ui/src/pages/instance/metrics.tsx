// How this instance is used over time, from its query log; what it holds; and what the whole server counted.
import { Button } from "@cloudflare/kumo/components/button";
import { CaretDownIcon, ChartLineIcon } from "@phosphor-icons/react";
import { useEffect, useRef, useState } from "react";
import { readMetrics, readQueryMetrics, updateInstance } from "../../api/calls";
import type { Period } from "../../api/types";
import { useLoad } from "../../hooks";
import { Bars, Lines, Split } from "../../parts/charts";
import { Card, Facts, Figure } from "../../parts/card";
import { Choice, Toggle } from "../../parts/fields";
import { Charts, Fallbacks, Totals } from "../../parts/insight/charts";
import { QueryTable, TopQueries } from "../../parts/insight/log";
import { complain, Failed, Nothing, say, Waiting } from "../../parts/states";
import { parseMetrics, quantile, type Sample, sum } from "../../prometheus";
import { Link } from "../../router";
import { ago, bytes, count, ms, percent, plural } from "../../words";
import { KEPT_DAYS } from "../settings/forms";
import { useHere } from "../../parts/here";

const EVERY = 5000;
const KEPT = 120;
const STAGES = ["rewrite", "retrieve", "fuse", "filter", "boost", "rerank", "expand", "generate"];

interface Point {
  at: number;
  searches: number;
}

const PERIODS: Record<Period, string> = { hour: "Hour", day: "Day", week: "Week", month: "Month", year: "Year" };

export default function Metrics() {
  const { instance } = useHere();
  return (
    <div className="flex flex-col gap-5">
      <h1 className="sr-only">Metrics of {instance.id}</h1>
      <Insight />
      <Items />
      <WholeServer />
    </div>
  );
}

/** What the query log tells; what was kept stays in sight when it is switched off. */
function Insight() {
  const { place, instance, home } = useHere();
  const [period, setPeriod] = useState<Period>("day");
  const [playground, setPlayground] = useState(false);
  const told = useLoad(() => readQueryMetrics(place, period, playground), [place, period, playground], EVERY);
  const { enabled, retention_days } = instance.query_log;
  const shown = told.data?.period === period ? told.data : undefined;
  if (told.error && !told.data) return <Failed error={told.error} retry={told.reload} title="Could not load the query log" />;
  if (!told.data) return <Waiting />;
  if (!enabled && !told.data.total.count && !playground) return <SwitchOn />;
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <div role="group" aria-label="Period" className="flex rounded-lg bg-kumo-recessed p-1">
          {Object.entries(PERIODS).map(([value, label]) => (
            <button key={value} type="button" aria-pressed={period === value} onClick={() => setPeriod(value as Period)} className={`cursor-pointer rounded-md px-3 py-1 sm:px-4 ${period === value ? "bg-kumo-base font-medium shadow-xs" : "text-kumo-subtle"}`}>
              {label}
            </button>
          ))}
        </div>
        <Toggle label="Include playground searches" checked={playground} onChange={setPlayground} />
        <p className="text-[13px] text-kumo-subtle">
          {enabled ? `Each query is kept for ${plural(retention_days, "day")}. ` : "The log is off. Stored queries are kept until they expire. "}
          <Link className="text-kumo-link underline" to={`${home}/settings/log`}>
            Settings
          </Link>
        </p>
      </div>
      {!shown ? (
        <Waiting />
      ) : shown.total.count === 0 ? (
        <Nothing icon={<ChartLineIcon size={36} />} title={`No queries in the last ${period}`}>
          {enabled ? "Search through the API, include playground searches, or choose a longer period." : "Choose a longer period, or switch the query log on."}
        </Nothing>
      ) : (
        <>
          <Totals total={shown.total} />
          <Charts told={shown} />
          <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-2">
            <TopQueries place={place} home={home} settings={instance} period={period} filter="all" playground={playground} />
            <div className="flex flex-col gap-5">
              <TopQueries place={place} home={home} settings={instance} period={period} filter="no_results" playground={playground} />
              <Fallbacks total={shown.total} />
            </div>
          </div>
        </>
      )}
      <QueryTable place={place} home={home} settings={instance} playground={true} />
    </>
  );
}

function SwitchOn() {
  const { place, setInstance } = useHere();
  const [days, setDays] = useState(30);
  const [busy, setBusy] = useState(false);
  async function begin(): Promise<void> {
    setBusy(true);
    try {
      setInstance(await updateInstance(place, { query_log: { enabled: true, retention_days: days } }));
      say("The query log is on", "The next search is the first one logged.");
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  }
  return (
    <section aria-label="Query log" className="rounded-xl border border-dashed border-kumo-line px-6 py-8">
      <div className="mx-auto flex max-w-2xl flex-col gap-4">
        <div className="flex items-start gap-4">
          <ChartLineIcon size={36} aria-hidden className="mt-1 flex-none text-kumo-subtle" />
          <div>
            <h2 className="text-base font-semibold">The query log is off</h2>
            <p className="mt-1 text-kumo-subtle">Switch it on to see search times, what the reranker changes, why it falls back, the most frequent queries, and queries without results.</p>
          </div>
        </div>
        <dl className="grid gap-x-6 gap-y-3 text-[13px] sm:grid-cols-2">
          <div>
            <dt className="font-medium">What is logged</dt>
            <dd className="text-kumo-subtle">Each query with its date; the keys, ranks and scores of the top results; the time of each stage; clicks and thumbs.</dd>
          </div>
          <div>
            <dt className="font-medium">What is not logged</dt>
            <dd className="text-kumo-subtle">Texts of results, answers, conversations, tokens, IP addresses. Queries can be personal data: inform your users.</dd>
          </div>
        </dl>
        <div className="flex flex-wrap items-end gap-3">
          <div className="w-44">
            <Choice label="Keep each query for" value={String(days)} onChange={(value) => setDays(Number(value))} options={KEPT_DAYS.map((one) => ({ value: String(one), label: plural(one, "day") }))} />
          </div>
          <Button variant="primary" onClick={begin} loading={busy} disabled={busy}>
            Keep a query log
          </Button>
        </div>
      </div>
    </section>
  );
}

function Items() {
  const { stats } = useHere();
  return (
    <Card title="Items">
      {stats ? (
        <Split
          label="By status"
          parts={[
            { label: "indexed", value: stats.completed, color: "var(--up)" },
            { label: "in progress", value: stats.queued + stats.running, color: "var(--color-kumo-info)" },
            { label: "outdated", value: stats.outdated, color: "var(--down)" },
            { label: "error", value: stats.error, color: "var(--color-kumo-danger)" },
            { label: "skipped", value: stats.skipped, color: "var(--text-color-kumo-subtle)" },
          ]}
        />
      ) : (
        <Waiting />
      )}
      {stats && (
        <div className="mt-4">
          <Facts
            rows={[
              ["Vectors", stats.engine.vectorize ? count(stats.engine.vectorize.vectorsCount) : "–"],
              ["Stored files", bytes(stats.engine.r2?.payloadSizeBytes)],
              ["Last activity", ago(stats.last_activity)],
            ]}
          />
        </div>
      )}
    </Card>
  );
}

/** Read when it is opened: not every token may see what all accounts do. */
function WholeServer() {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)} className="group">
      <summary className="flex cursor-pointer list-none items-center gap-2 text-lg font-semibold">
        <CaretDownIcon aria-hidden className="transition-transform group-not-open:-rotate-90" />
        The whole server
        <span className="text-[13px] font-normal text-kumo-subtle">all instances, since the server started</span>
      </summary>
      {open && <Counted />}
    </details>
  );
}

function Counted() {
  const text = useLoad(readMetrics, [], EVERY);
  const samples = text.data === undefined ? undefined : parseMetrics(text.data);
  const history = useHistory(text.data, samples);
  return (
    <div className="mt-4 flex flex-col gap-5">
      {text.error ? <Failed error={text.error} retry={text.reload} title="Could not load the metrics" /> : !samples ? <Waiting /> : <Server samples={samples} history={history} />}
    </div>
  );
}

/** How many searches there had been at each look. */
function useHistory(text: string | undefined, samples: Sample[] | undefined): Point[] {
  const [points, setPoints] = useState<Point[]>([]);
  const seen = useRef<string>(undefined);
  // biome-ignore lint: once for each look
  useEffect(() => {
    if (!samples || seen.current === text) return;
    seen.current = text;
    setPoints((before) => [...before.slice(1 - KEPT), { at: Date.now(), searches: searchesOf(samples) }]);
  }, [text]);
  return points;
}

function searchesOf(samples: Sample[]): number {
  return sum(samples, "secondlook_reranks_total") + sum(samples, "secondlook_cache_reads_total", { cache: "answers", result: "hit" });
}

function Server({ samples, history }: { samples: Sample[]; history: Point[] }) {
  const searches = searchesOf(samples);
  const ran = sum(samples, "secondlook_reranks_total", { status: "ran" }) + sum(samples, "secondlook_reranks_total", { status: "substituted" });
  const moved = sum(samples, "secondlook_first_results_total", { change: "moved" });
  const judged = moved + sum(samples, "secondlook_first_results_total", { change: "kept" });
  const fell = sum(samples, "secondlook_reranks_total", { status: "fell_back" }) + sum(samples, "secondlook_reranks_total", { status: "refused" });
  const hits = sum(samples, "secondlook_cache_reads_total", { cache: "answers", result: "hit" });
  const misses = sum(samples, "secondlook_cache_reads_total", { cache: "answers", result: "miss" });
  if (!searches) return <Nothing title="No searches yet">Search in the playground or through the API to fill this page.</Nothing>;
  const rates = history.slice(1).map((point, at) => {
    const before = history[at] ?? point;
    return { at: point.at, value: (60_000 * Math.max(0, point.searches - before.searches)) / Math.max(1, point.at - before.at) };
  });
  return (
    <>
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Figure label="Searches and answers" value={count(searches)} about={`${count(ran)} reranked`} />
        <Figure label="First result changed" value={judged ? percent(moved / judged) : "–"} about={judged ? `${count(moved)} of ${count(judged)} reranked` : "none were reranked"} />
        <Figure label="Fell back" value={count(fell)} tone={fell ? "text-kumo-warning" : ""} about={ran + fell ? `${percent(fell / (ran + fell))} of reranks` : ""} />
        <Figure label="Answered from cache" value={hits + misses ? percent(hits / (hits + misses)) : "–"} about={`${count(hits)} of ${count(hits + misses)} looks`} />
      </div>
      <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-2">
        <Card title="Searches per minute" about="Since this page was opened.">
          {rates.length > 1 ? <Lines label="Searches per minute" points={rates} /> : <p className="py-8 text-center text-kumo-subtle">The chart starts in a few seconds.</p>}
        </Card>
        <Stages samples={samples} />
        <Reasons samples={samples} />
        <Caches samples={samples} />
      </div>
    </>
  );
}

function Stages({ samples }: { samples: Sample[] }) {
  const rows = STAGES.flatMap((stage) => {
    const number = sum(samples, "secondlook_stage_seconds_count", { stage });
    if (!number) return [];
    const mean = (1000 * sum(samples, "secondlook_stage_seconds_sum", { stage })) / number;
    const at = (share: number) => ms(1000 * (quantile(samples, "secondlook_stage_seconds", share, { stage }) ?? 0));
    return [{ label: stage, value: mean, shown: ms(mean), about: `half below ${at(0.5)}, 95 % below ${at(0.95)}, ${count(number)} runs` }];
  });
  return (
    <Card title="Time per stage" about="Mean of each stage of a search.">
      <Bars label="Mean time of each stage" rows={rows} />
    </Card>
  );
}

const STATUS: Record<string, string> = { ran: "ran", skipped: "skipped", fell_back: "fell back", substituted: "reranked by a fallback model", refused: "refused" };

function Reasons({ samples }: { samples: Sample[] }) {
  const rows = samples
    .filter((one) => one.name === "secondlook_reranks_total" && one.value > 0)
    .map((one) => ({
      label: [STATUS[one.labels.status ?? ""] ?? one.labels.status, one.labels.reason].filter(Boolean).join(": "),
      value: one.value,
      shown: count(one.value),
      color: one.labels.status === "ran" ? "var(--up)" : one.labels.status === "skipped" ? "var(--text-color-kumo-subtle)" : "var(--down)",
    }))
    .sort((one, other) => other.value - one.value);
  return (
    <Card title="Reranking outcomes" about="By status and reason.">
      <Bars label="Reranks by status and reason" rows={rows} />
    </Card>
  );
}

const CACHES: Record<string, string> = { answers: "Answer cache", pairs: "Reranking scores", token_vectors: "Token vectors" };

function Caches({ samples }: { samples: Sample[] }) {
  const names = [...new Set(samples.filter((one) => one.name === "secondlook_cache_reads_total").map((one) => one.labels.cache ?? ""))];
  if (!names.length) return null;
  return (
    <Card title="Caches" about="Share of look-ups found in each cache.">
      <div className="flex flex-col gap-4">
        {names.map((cache) => (
          <Split
            key={cache}
            label={CACHES[cache] ?? cache}
            parts={[
              { label: "hit", value: sum(samples, "secondlook_cache_reads_total", { cache, result: "hit" }), color: "var(--up)" },
              { label: "miss", value: sum(samples, "secondlook_cache_reads_total", { cache, result: "miss" }), color: "var(--down)" },
            ]}
          />
        ))}
      </div>
    </Card>
  );
}
