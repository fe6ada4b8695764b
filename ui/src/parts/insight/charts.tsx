// What the query log says over time: how many, how fast, what the reranker changed, and why it fell back.
import type { Bucket, Period, QueryMetrics } from "../../api/types";
import { count, ms, percent, plural } from "../../words";
import { Card, Figure } from "../card";
import { Bars } from "../charts";
import { TimeChart } from "../timechart";

const STAGES = ["rewrite", "retrieve", "fuse", "filter", "boost", "rerank", "expand", "cache", "generate"];
const DAY: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };
const HOUR: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hour12: false };

export function when(period: Period): (at: string) => string {
  const form = period === "hour" || period === "day" ? HOUR : period === "week" ? { weekday: "short" as const, ...HOUR } : DAY;
  return (at) => new Date(at).toLocaleString("en", form);
}

export function Totals({ total }: { total: Bucket }) {
  const answered = total.count - total.failed;
  const fell = Object.values(total.fallbacks).reduce((all, one) => all + one, 0);
  const times = total.ms.total;
  return (
    <div className="grid grid-cols-2 gap-3 lg:grid-cols-3">
      <Figure label="Queries" value={count(total.count)} about={total.chats ? `${plural(total.chats, "chat")} included` : "searches only"} />
      <Figure label="Median latency" value={times ? ms(times.p50) : "–"} about={times ? `95 % within ${ms(times.p95)}` : ""} />
      <Figure label="First result changed" value={total.reranked ? percent(total.top_changed / total.reranked) : "–"} about={total.reranked ? `${count(total.top_changed)} of ${count(total.reranked)} reranked` : "none were reranked"} />
      <Figure label="Without results" value={answered ? percent(total.no_results / answered) : "–"} tone={total.no_results ? "text-kumo-warning" : ""} about={count(total.no_results)} />
      <Figure label="Fell back or failed" value={count(fell)} tone={fell ? "text-kumo-warning" : ""} about={total.count ? percent(fell / total.count) : ""} />
      <Figure label="Answered from cache" value={answered ? percent(total.cached / answered) : "–"} about={count(total.cached)} />
    </div>
  );
}

export function Charts({ told }: { told: QueryMetrics }) {
  const { buckets, total, period } = told;
  const at = buckets.map((one) => one.at);
  const clock = when(period);
  const share = (part: (one: Bucket) => number, whole: (one: Bucket) => number) => buckets.map((one) => (whole(one) ? part(one) / whole(one) : null));
  const answered = (one: Bucket) => one.count - one.failed;
  const times = (name: "p50" | "p95") => buckets.map((one) => one.ms.total?.[name] ?? null);
  return (
    <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-2">
      <Card title="Queries">
        <TimeChart
          kind="bars"
          label="Queries over time"
          at={at}
          when={clock}
          shown={(value) => count(Math.round(value * 10) / 10)}
          series={[
            { label: "with results", color: "var(--accent)", values: buckets.map((one) => answered(one) - one.no_results) },
            { label: "without results", color: "var(--down)", values: buckets.map((one) => one.no_results) },
            { label: "failed", color: "var(--color-kumo-danger)", values: buckets.map((one) => one.failed) },
          ]}
        />
      </Card>
      <Card title="Latency" about="From the query to the end of the answer.">
        <TimeChart
          label="Latency over time"
          at={at}
          when={clock}
          shown={ms}
          series={[
            { label: "median", color: "var(--accent)", values: times("p50") },
            { label: "95th percentile", color: "var(--down)", values: times("p95") },
          ]}
        />
      </Card>
      <Card title="Rank changes and cache hits" about="Share of reranked searches, and of answers.">
        <TimeChart
          label="Shares over time"
          at={at}
          when={clock}
          shown={percent}
          most={1}
          series={[
            { label: "first result changed", color: "var(--accent)", values: share((one) => one.top_changed, (one) => one.reranked) },
            { label: "answered from cache", color: "var(--down)", values: share((one) => one.cached, answered) },
          ]}
        />
      </Card>
      <Card title="Time per stage" about="Median and 95th percentile, over the queries that ran the stage.">
        <StageTimes total={total} />
      </Card>
    </div>
  );
}

export function Fallbacks({ total }: { total: Bucket }) {
  const reasons = Object.entries(total.fallbacks).sort(([, one], [, other]) => other - one);
  return (
    <Card title="Fallbacks by reason" about="Reranking fell back to the retrieval order, or the query failed.">
      {reasons.length ? (
        <Bars label="Fallbacks by reason" rows={reasons.map(([reason, number]) => ({ label: reason, value: number, shown: count(number), about: percent(number / total.count), color: "var(--down)" }))} />
      ) : (
        <p className="py-4 text-center text-kumo-subtle">No fallbacks and no failures.</p>
      )}
    </Card>
  );
}

function StageTimes({ total }: { total: Bucket }) {
  const stages = STAGES.filter((one) => one in total.ms);
  const most = Math.max(...stages.map((one) => total.ms[one]?.p95 ?? 0), 1e-9);
  if (!stages.length) return <p className="py-4 text-center text-kumo-subtle">Nothing yet.</p>;
  return (
    <table className="w-full text-[13px]">
      <thead className="text-left text-kumo-subtle">
        <tr>
          <th className="pb-1.5 font-medium">Stage</th>
          <th aria-hidden className="w-1/2" />
          <th className="pb-1.5 text-right font-medium">Median</th>
          <th className="pb-1.5 text-right font-medium">95th percentile</th>
        </tr>
      </thead>
      <tbody>
        {stages.map((stage) => {
          const { p50 = 0, p95 = 0 } = total.ms[stage] ?? {};
          return (
            <tr key={stage}>
              <th scope="row" className="py-1 text-left font-normal">
                {stage}
              </th>
              <td aria-hidden className="px-3">
                <svg viewBox="0 0 100 4" preserveAspectRatio="none" className="block h-2.5 w-full rounded-full bg-kumo-recessed">
                  <rect width={Math.max(0.6, (100 * p95) / most)} height="4" style={{ fill: "var(--accent)", opacity: 0.35 }} />
                  <rect width={Math.max(0.6, (100 * p50) / most)} height="4" style={{ fill: "var(--accent)" }} />
                </svg>
              </td>
              <td className="py-1 text-right whitespace-nowrap tabular-nums">{ms(p50)}</td>
              <td className="py-1 pl-3 text-right whitespace-nowrap tabular-nums">{ms(p95)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
