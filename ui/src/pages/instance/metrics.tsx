// What the server counted since it started, and what this instance holds.
import { useEffect, useRef, useState } from "react";
import { readMetrics } from "../../api/calls";
import { useLoad } from "../../hooks";
import { Bars, Lines, Split } from "../../parts/charts";
import { Card, Facts, Figure } from "../../parts/card";
import { Failed, Nothing, Waiting } from "../../parts/states";
import { parseMetrics, quantile, type Sample, sum } from "../../prometheus";
import { ago, bytes, count, ms, percent } from "../../words";
import { useHere } from "./layout";

const EVERY = 5000;
const KEPT = 120;
const STAGES = ["rewrite", "retrieve", "fuse", "filter", "boost", "rerank", "expand", "generate"];

interface Point {
  at: number;
  searches: number;
}

export default function Metrics() {
  const { stats, instance } = useHere();
  const text = useLoad(readMetrics, [], EVERY);
  const samples = text.data === undefined ? undefined : parseMetrics(text.data);
  const history = useHistory(text.data, samples);
  return (
    <div className="flex flex-col gap-5">
      <h1 className="sr-only">Metrics of {instance.id}</h1>
      <Card title="This instance">
        {stats ? (
          <Split
            label="Items by status"
            parts={[
              { label: "indexed", value: stats.completed, color: "var(--up)" },
              { label: "on the way", value: stats.queued + stats.running, color: "var(--color-kumo-info)" },
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
      <h2 className="mt-2 text-lg font-semibold">
        The whole server <span className="text-[13px] font-normal text-kumo-subtle">all instances, since it started; every {EVERY / 1000} s</span>
      </h2>
      {text.error ? <Failed error={text.error} retry={text.reload} title="The metrics could not be read" /> : !samples ? <Waiting /> : <Server samples={samples} history={history} />}
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
  if (!searches) return <Nothing title="No search yet">Ask something in the playground or through the API, and this page fills.</Nothing>;
  const rates = history.slice(1).map((point, at) => {
    const before = history[at] ?? point;
    return { at: point.at, value: (60_000 * Math.max(0, point.searches - before.searches)) / Math.max(1, point.at - before.at) };
  });
  return (
    <>
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Figure label="Searches and answers" value={count(searches)} about={`${count(ran)} reranked`} />
        <Figure label="First result changed" value={judged ? percent(moved / judged) : "–"} about={judged ? `${count(moved)} of ${count(judged)} reranked` : "nothing was reranked"} />
        <Figure label="Fell back" value={count(fell)} tone={fell ? "text-kumo-warning" : ""} about={ran + fell ? `${percent(fell / (ran + fell))} of reranks` : ""} />
        <Figure label="Kept answers used" value={hits + misses ? percent(hits / (hits + misses)) : "–"} about={`${count(hits)} of ${count(hits + misses)} looks`} />
      </div>
      <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-2">
        <Card title="Searches per minute" about="Since this page was opened.">
          {rates.length > 1 ? <Lines label="Searches per minute" points={rates} /> : <p className="py-8 text-center text-kumo-subtle">The line begins in a few seconds.</p>}
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

const STATUS: Record<string, string> = { ran: "ran", skipped: "skipped", fell_back: "fell back", substituted: "another model served", refused: "refused" };

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
    <Card title="What reranking did" about="By status and reason.">
      <Bars label="Reranks by status and reason" rows={rows} />
    </Card>
  );
}

const CACHES: Record<string, string> = { answers: "Kept answers", pairs: "Scores of pairs", token_vectors: "Token vectors" };

function Caches({ samples }: { samples: Sample[] }) {
  const names = [...new Set(samples.filter((one) => one.name === "secondlook_cache_reads_total").map((one) => one.labels.cache ?? ""))];
  if (!names.length) return null;
  return (
    <Card title="Caches" about="What each had when it was asked.">
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
