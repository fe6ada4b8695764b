// The query log itself: what was asked most, what found nothing, and each query with its results before and after reranking.
import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { CaretRightIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { listQueries, type Place, topQueries } from "../../api/calls";
import type { LoggedQuery, Period, QueryFilter, Settings } from "../../api/types";
import { useLoad, useSettled } from "../../hooks";
import { Link } from "../../router";
import { ago, count, moment, ms, plural, score } from "../../words";
import { Card } from "../card";
import { Choice } from "../fields";
import { Moved } from "../play/compare";
import { type Judging, SetChooser, Thumbs, useGrades, useJudging } from "../play/judge";
import { freshPlan, toHash } from "../play/plan";
import { Failed, Waiting } from "../states";

interface Common {
  place: Place;
  home: string;
  settings: Settings;
}

export function TopQueries({ place, home, settings, period, filter, playground }: Common & { period: Period; filter: "all" | "no_results"; playground: boolean }) {
  const found = useLoad(() => topQueries(place, period, filter, playground), [place, period, filter, playground]);
  const empty = filter === "no_results";
  return (
    <Card title={empty ? "Queries without results" : "Top queries"} about={empty ? "Queries that returned no results." : "Queries that differ only in case or spaces count as one."}>
      {found.error ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Waiting />
      ) : !found.data.length ? (
        <p className="py-4 text-center text-kumo-subtle">{empty ? "Every query returned results." : "No queries."}</p>
      ) : (
        <table className="w-full table-fixed text-[13px]">
          <thead className="text-left text-kumo-subtle">
            <tr>
              <th className="pb-1.5 font-medium">Query</th>
              <th className="w-16 pb-1.5 text-right font-medium">Times</th>
              <th className="w-20 pb-1.5 text-right font-medium">Mean</th>
            </tr>
          </thead>
          <tbody>
            {found.data.map((one) => (
              <tr key={one.query} className="border-t border-kumo-hairline">
                <td className="truncate pr-3" title={one.query}>
                  <Link className="block min-h-8 truncate py-1.5 text-kumo-link hover:underline" to={tryIt(home, settings, one.query)}>
                    {one.query}
                  </Link>
                </td>
                <td className="py-1.5 text-right tabular-nums">{count(one.count)}</td>
                <td className="py-1.5 text-right whitespace-nowrap tabular-nums">{ms(one.mean_ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

function tryIt(home: string, settings: Settings, query: string): string {
  return `${home}/playground${toHash({ ...freshPlan(settings), query })}`;
}

const FILTERS: Record<QueryFilter, string> = {
  all: "All",
  top_changed: "First result changed",
  no_results: "Without results",
  fell_back: "Fell back",
  failed: "Failed",
  cached: "From the cache",
};
const ORDERS = { newest: "Newest first", oldest: "Oldest first", slowest: "Slowest first" } as const;

export function QueryTable({ place, home, settings, playground }: Common & { playground: boolean }) {
  const judging = useJudging(place);
  const [filter, setFilter] = useState<QueryFilter>("all");
  const [order, setOrder] = useState<keyof typeof ORDERS>("newest");
  const [typed, setTyped] = useState("");
  const [page, setPage] = useState(1);
  const search = useSettled(typed, 250);
  const found = useLoad(() => listQueries(place, { page, filter, order, search, playground: String(playground) }), [place, page, filter, order, search, playground]);
  const pages = Math.max(1, Math.ceil((found.data?.total ?? 0) / 20));
  const first = <T,>(set: (value: T) => void) => (value: T) => {
    set(value);
    setPage(1);
  };
  return (
    <Card title="Query log" action={<SetChooser judging={judging} home={home} />}>
      <div className="mb-3 flex flex-wrap items-end gap-3">
        <div className="w-full sm:w-64">
          <Input aria-label="Search the query log" placeholder="Search by words of the query" value={typed} onChange={(event) => first(setTyped)(event.target.value)} className="w-full" />
        </div>
        <div className="w-44">
          <Choice label="Show" value={filter} onChange={first(setFilter)} options={Object.entries(FILTERS).map(([value, label]) => ({ value: value as QueryFilter, label }))} />
        </div>
        <div className="w-40">
          <Choice label="Order" value={order} onChange={first(setOrder)} options={Object.entries(ORDERS).map(([value, label]) => ({ value: value as keyof typeof ORDERS, label }))} />
        </div>
        <span role="status" className="ml-auto text-[13px] text-kumo-subtle">
          {found.data ? plural(found.data.total, "query", "queries") : "…"}
        </span>
      </div>
      {found.error ? (
        <Failed error={found.error} retry={found.reload} title="Could not load the query log" />
      ) : !found.data ? (
        <Waiting />
      ) : !found.data.rows.length ? (
        <p className="py-6 text-center text-kumo-subtle">{filter === "all" && !search ? "No queries yet." : "No matching queries."}</p>
      ) : (
        <ul className="divide-y divide-kumo-hairline border-y border-kumo-hairline">
          {found.data.rows.map((one) => (
            <Line key={one.id} one={one} again={tryIt(home, settings, one.query)} judging={judging} />
          ))}
        </ul>
      )}
      {pages > 1 && (
        <nav aria-label="Pages of the query log" className="mt-3 flex items-center justify-end gap-2 text-[13px]">
          <Button size="sm" disabled={page <= 1} onClick={() => setPage(page - 1)}>
            Previous
          </Button>
          <span className="tabular-nums">
            {page} of {count(pages)}
          </span>
          <Button size="sm" disabled={page >= pages} onClick={() => setPage(page + 1)}>
            Next
          </Button>
        </nav>
      )}
    </Card>
  );
}

function Line({ one, again, judging }: { one: LoggedQuery; again: string; judging: Judging }) {
  const [open, setOpen] = useState(false);
  return (
    <li>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="flex w-full cursor-pointer items-center gap-3 px-1 py-2 text-left hover:bg-kumo-tint">
        <CaretRightIcon aria-hidden className={`flex-none transition-transform ${open ? "rotate-90" : ""}`} />
        <span className="min-w-0 flex-1">
          <span className="block truncate">{one.query}</span>
          <span className="mt-0.5 flex flex-wrap items-center gap-1.5 text-xs text-kumo-subtle">
            {ago(one.at)}
            {one.kind === "chat" && <Badge variant="secondary">chat</Badge>}
            {one.playground && <Badge variant="secondary">playground</Badge>}
            {one.public && <Badge variant="secondary">public</Badge>}
            {one.cached && <Badge variant="info">cached answer</Badge>}
            {one.top_changed && <Badge variant="success">first changed</Badge>}
            {one.reranking?.status === "fell_back" && <Badge variant="warning">fell back</Badge>}
            {one.error ? <Badge variant="error">failed</Badge> : !one.results && <Badge variant="warning">no results</Badge>}
          </span>
        </span>
        <span className="hidden w-20 flex-none text-right text-[13px] tabular-nums sm:block">{plural(one.results, "result")}</span>
        <span className="w-16 flex-none text-right text-[13px] tabular-nums">{ms(one.ms)}</span>
      </button>
      {open && <Detail one={one} again={again} judging={judging} />}
    </li>
  );
}

function Detail({ one, again, judging }: { one: LoggedQuery; again: string; judging: Judging }) {
  const { grades, give } = useGrades(judging, one.query);
  const stages = Object.entries(one.stages).filter(([name]) => name !== "total");
  return (
    <div className="flex flex-col gap-3 px-1 pt-1 pb-4 text-[13px] sm:pl-8">
      <p className="text-kumo-subtle">
        {moment(one.at)}
        {one.search_query && `; searched for “${one.search_query}”`}
      </p>
      {one.error && <p className="text-kumo-danger break-words">{one.error}</p>}
      {one.reranking && one.reranking.status !== "ran" && <p>{`Reranking: ${one.reranking.status.replace("_", " ")}${one.reranking.reason ? `, ${one.reranking.reason}` : ""}`}</p>}
      {one.chunks.length > 0 && (
        <ol className="flex flex-col gap-1">
          {one.chunks.map((chunk) => (
            <li key={chunk.id} className="flex items-center gap-2.5">
              <span className="w-5 flex-none text-right tabular-nums">{chunk.rank}</span>
              <span className="min-w-0 flex-1 truncate" title={chunk.item.key}>
                {chunk.item.key}
              </span>
              {chunk.retrieval_rank !== null && chunk.reranking_score !== null && <Moved from={chunk.retrieval_rank} to={chunk.rank} />}
              <span className="mono flex-none">{score(chunk.score)}</span>
              <span className="flex flex-none">
                <Thumbs grade={grades[chunk.id]} give={(grade) => void give(chunk.id, grade)} about={chunk.item.key} />
              </span>
            </li>
          ))}
        </ol>
      )}
      {stages.length > 0 && (
        <ul className="flex flex-wrap gap-1.5 text-xs" aria-label="Time of each stage">
          {stages.map(([name, taken]) => (
            <li key={name} className="rounded-full bg-kumo-recessed px-2 py-0.5 tabular-nums">
              {name} {ms(taken)}
            </li>
          ))}
        </ul>
      )}
      <Link className="self-start text-kumo-link underline" to={again}>
        Try it in the playground
      </Link>
    </div>
  );
}
