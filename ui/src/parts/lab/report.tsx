// What a run came to: the verdict, every arm, the plots, and each query with both orders.
import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { CaretRightIcon, CheckIcon, DownloadSimpleIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { applyRun, type Place, readInstance, runPage, runQueries } from "../../api/calls";
import type { Instance, LabArm, LabQuery, LabReport, LabRun } from "../../api/types";
import { useLoad } from "../../hooks";
import { count, ms, percent, plural } from "../../words";
import { Card } from "../card";
import { CopyButton } from "../copy";
import { Choice } from "../fields";
import { complain, Failed, say, Waiting } from "../states";
import { Front, Interval, Reliability } from "./plots";

const ANSWERS = {
  on: ["success", "Switch reranking on"],
  "on with weight": ["success", "Switch it on, with a weight"],
  off: ["warning", "Leave reranking off"],
  "not enough evidence": ["secondary", "Not enough evidence"],
} as const;

export function Report({ place, run, told, setInstance }: { place: Place; run: LabRun; told: LabReport; setInstance: (instance: Instance) => void }) {
  const others = told.arms.filter((one) => one.comparison);
  const best = [...others].sort((one, other) => other["ndcg@10"] - one["ndcg@10"])[0]?.name ?? "";
  const [chosen, setChosen] = useState(told.verdict.arm ?? best);
  const arm = others.find((one) => one.name === chosen) ?? others[0];
  const choose = (name: string) => others.some((one) => one.name === name) && setChosen(name);
  return (
    <div className="flex min-w-0 flex-col gap-5">
      <Verdict place={place} run={run} told={told} setInstance={setInstance} />
      <Arms told={told} chosen={chosen} choose={choose} />
      <div className="grid grid-cols-1 items-start gap-5 xl:grid-cols-2">
        <Card title="Quality against time" about="The line is the Pareto front: no configuration is both better and faster. Click a dot to select one.">
          <Front arms={told.arms} chosen={chosen} choose={choose} />
        </Card>
        {arm?.calibration ? (
          <Card title="Score calibration" about={`Scores of “${arm.name}” read as probabilities of relevance, on the half of the queries not used for fitting.`}>
            <Reliability told={arm.calibration} />
            <p className="mt-2 text-[13px] text-kumo-subtle">
              Brier score: {arm.calibration.brier_raw.toFixed(3)} raw, {arm.calibration.brier_fitted.toFixed(3)} calibrated
              {arm.calibration.assumed && "; unjudged results count as not relevant"}.
            </p>
            <Thresholds arm={arm} />
          </Card>
        ) : (
          arm && (
            <Card title="Score calibration">
              <p className="text-kumo-subtle">Too few relevant and not relevant results are judged to calibrate the scores of “{arm.name}”.</p>
            </Card>
          )
        )}
      </div>
      {arm && <Queries key={arm.name} place={place} run={run} arms={others} arm={arm} baseline={arm.baseline ?? told.baseline} choose={choose} />}
    </div>
  );
}

function Verdict({ place, run, told, setInstance }: { place: Place; run: LabRun; told: LabReport; setInstance: (instance: Instance) => void }) {
  const [busy, setBusy] = useState(false);
  const { verdict } = told;
  const [variant, words] = ANSWERS[verdict.answer];
  const sentence = `${verdict.sentence[0]?.toUpperCase() ?? ""}${verdict.sentence.slice(1)}${verdict.sentence.endsWith(".") ? "" : "."}`;
  const can = Object.keys(verdict.settings).length > 0;
  async function apply(): Promise<void> {
    setBusy(true);
    try {
      const { applied } = await applyRun(place, run.id);
      setInstance(await readInstance(place));
      say(applied ? "Settings applied" : "No change: the instance has these settings already");
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  }
  async function save(): Promise<void> {
    try {
      const url = URL.createObjectURL(await runPage(place, run.id));
      Object.assign(document.createElement("a"), { href: url, download: `lab-${place.name}-${run.id}.html` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      complain(error);
    }
  }
  const facts = [
    `${plural(told.queries, "query", "queries")} from ${told.origin}`,
    told.synthetic ? `${count(told.synthetic)} of them synthetic` : "",
    `${Math.round(told.seconds)} s`,
    told.left_out ? `${plural(told.left_out, "query", "queries")} left out, with no known relevant passage` : "",
    told.unknown_items ? `${plural(told.unknown_items, "judged item")} not in the index` : "",
    told.judge ? `${plural(told.judge.graded, "passage")} graded by a language model${agreement(told.judge)}` : "",
    told.stale_judgments ? `${plural(told.stale_judgments, "judgment")} left out, text changed since` : "",
    told.index_changed ? "the index changed during the run" : "",
  ].filter(Boolean);
  return (
    <Card title="Verdict" action={<Badge variant={variant}>{words}</Badge>}>
      <p className="text-[15px] leading-relaxed">{sentence}</p>
      <p className="mt-2 text-[13px] text-kumo-subtle">{facts.join(" · ")}</p>
      <div className="mt-4 flex flex-wrap gap-2">
        {can && (
          <Button variant="primary" icon={<CheckIcon />} onClick={apply} loading={busy} disabled={busy}>
            Apply to this instance
          </Button>
        )}
        <CopyButton label="Copy the verdict" text={sentence} />
        <Button size="sm" icon={<DownloadSimpleIcon />} onClick={save}>
Download report
        </Button>
      </div>
    </Card>
  );
}

// How far judge and people agree; kappa is null where people gave only one grade.
function agreement({ agreed, agreement: share, kappa }: NonNullable<LabReport["judge"]>): string {
  if (!agreed || share == null) return "";
  return `, which agrees with people on ${percent(share)} of ${count(agreed)} (${kappa === null ? "kappa undefined" : `kappa ${kappa.toFixed(2)}`})`;
}

function Arms({ told, chosen, choose }: { told: LabReport; chosen: string; choose: (name: string) => void }) {
  const most = Math.max(...told.arms.flatMap(({ comparison }) => (comparison ? [Math.abs(comparison.low), Math.abs(comparison.high)] : [])), 0);
  return (
    <Card title="Configurations" about="Each configuration with its difference in nDCG@10 from the baseline and the 95 % interval. p is corrected for the number of configurations.">
      <div className="-mx-5 overflow-x-auto px-5" tabIndex={0} role="region" aria-label="Table of configurations">
        <table className="w-full min-w-[46rem] text-[13px] tabular-nums">
          <thead className="text-left text-kumo-subtle">
            <tr>
              <th className="pb-1.5 font-medium">Configuration</th>
              <th className="pb-1.5 text-right font-medium">nDCG@10</th>
              <th className="pb-1.5 pl-4 font-medium">Difference</th>
              <th className="pb-1.5 text-right font-medium">p</th>
              <th className="pb-1.5 pl-3 text-right font-medium whitespace-nowrap">Won · tied · lost</th>
              <th className="pb-1.5 pl-3 text-right font-medium">Recall@50</th>
              <th className="pb-1.5 pl-3 text-right font-medium">p95</th>
            </tr>
          </thead>
          <tbody>
            {told.arms.map((arm) => (
              <Row key={arm.name} arm={arm} most={most} baseline={!arm.comparison} chosen={arm.name === chosen} choose={choose} />
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Row({ arm, most, baseline, chosen, choose }: { arm: LabArm; most: number; baseline: boolean; chosen: boolean; choose: (name: string) => void }) {
  const { comparison } = arm;
  return (
    <tr className={`border-t border-kumo-hairline ${chosen ? "bg-kumo-tint" : ""}`}>
      <th scope="row" className="max-w-72 py-2 pr-3 text-left font-normal">
        {baseline ? (
          <span>{arm.name === "as created" ? "as created: the instance's own settings" : `${arm.name}, ${arm.name === "off" ? "the baseline" : "a baseline"}`}</span>
        ) : (
          <button type="button" aria-pressed={chosen} className="cursor-pointer text-left text-kumo-link hover:underline" onClick={() => choose(arm.name)}>
            {arm.name}
          </button>
        )}
        {arm.on_front && <span className="ml-1.5 text-xs whitespace-nowrap" style={{ color: "var(--up)" }}>Pareto front</span>}
        {arm.flags.map((flag) => (
          <span key={flag} className="block text-xs text-kumo-warning">
            {flag}
          </span>
        ))}
      </th>
      <td className="py-2 text-right">{arm["ndcg@10"].toFixed(3)}</td>
      <td className="py-2 pl-4">
        {comparison && (
          <span className="flex items-center gap-2">
            <span className="w-14 text-right">{signed(comparison.difference)}</span>
            <Interval low={comparison.low} high={comparison.high} at={comparison.difference} most={most} />
            <span className="sr-only">
              from {signed(comparison.low)} to {signed(comparison.high)}
            </span>
          </span>
        )}
      </td>
      <td className="py-2 text-right">{comparison && (comparison.p_holm < 0.001 ? "< 0.001" : comparison.p_holm.toFixed(3))}</td>
      <td className="py-2 pl-3 text-right whitespace-nowrap">{comparison && `${comparison.wins} · ${comparison.ties} · ${comparison.losses}`}</td>
      <td className="py-2 pl-3 text-right">{arm["recall@50"].toFixed(3)}</td>
      <td className="py-2 pl-3 text-right whitespace-nowrap">{ms(arm.p95_ms)}</td>
    </tr>
  );
}

const signed = (value: number) => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(3)}`;

function Thresholds({ arm }: { arm: LabArm }) {
  const found = arm.calibration?.thresholds.filter((one) => one.score !== null) ?? [];
  if (!found.length) return null;
  return (
    <ul className="mt-2 flex flex-wrap gap-1.5 text-xs">
      {found.map((one) => (
        <li key={one.precision} className="rounded-full bg-kumo-recessed px-2 py-0.5">
          {percent(one.precision)} relevant from {one.score?.toFixed(2)}
        </li>
      ))}
    </ul>
  );
}

function Queries({ place, run, arms, arm, baseline, choose }: { place: Place; run: LabRun; arms: LabArm[]; arm: LabArm; baseline: string; choose: (name: string) => void }) {
  const [order, setOrder] = useState<"loss" | "gain">("loss");
  const [page, setPage] = useState(1);
  const found = useLoad(() => runQueries(place, run.id, { arm: arm.name, order, page }), [place, run.id, arm.name, order, page]);
  const pages = Math.max(1, Math.ceil((found.data?.total ?? 0) / 10));
  return (
    <Card title="Query by query" about="Relevant results are marked in both orders.">
      <div className="mb-3 flex flex-wrap items-end gap-3">
        <div className="w-full sm:w-72">
          <Choice label="Configuration" value={arm.name} onChange={choose} options={arms.map((one) => ({ value: one.name, label: one.name }))} />
        </div>
        <div className="w-44">
          <Choice label="Order" value={order} onChange={(next) => { setOrder(next); setPage(1); }} options={[{ value: "loss", label: "Losses first" }, { value: "gain", label: "Wins first" }]} />
        </div>
      </div>
      {found.error ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Waiting />
      ) : (
        <ul className="divide-y divide-kumo-hairline border-y border-kumo-hairline">
          {found.data.rows.map((one) => (
            <Query key={one.query} one={one} arm={arm.name} baseline={baseline} />
          ))}
        </ul>
      )}
      {pages > 1 && (
        <nav aria-label="Pages of the queries" className="mt-3 flex items-center justify-end gap-2 text-[13px]">
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

function Query({ one, arm, baseline }: { one: LabQuery; arm: string; baseline: string }) {
  const [open, setOpen] = useState(false);
  const color = one.difference > 0 ? "var(--up)" : one.difference < 0 ? "var(--down)" : "var(--text-color-kumo-subtle)";
  return (
    <li>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="flex w-full cursor-pointer items-center gap-3 px-1 py-2 text-left hover:bg-kumo-tint">
        <CaretRightIcon aria-hidden className={`flex-none transition-transform ${open ? "rotate-90" : ""}`} />
        <span className="min-w-0 flex-1 truncate">{one.query}</span>
        {one.synthetic && <Badge variant="secondary">synthetic</Badge>}
        <span className="w-16 flex-none text-right text-[13px] font-medium tabular-nums" style={{ color }}>
          {signed(one.difference)}
        </span>
      </button>
      {open && (
        <div className="grid gap-4 px-1 pt-1 pb-4 text-[13px] sm:grid-cols-2 sm:pl-8">
          {[baseline, arm].map((name) => (
            <div key={name} className="min-w-0">
              <h4 className="mb-1 flex justify-between gap-3 font-medium">
                <span className="truncate">{name}</span>
                <span className="flex-none font-normal tabular-nums">{one.arms[name]?.["ndcg@10"].toFixed(3)}</span>
              </h4>
              <ol className="flex flex-col gap-0.5">
                {one.arms[name]?.results.map((unit, at) => (
                  <li key={unit} className="flex items-baseline gap-2 rounded px-1" style={unit in one.relevant ? { background: "var(--accent-soft)" } : {}}>
                    <span className="w-5 flex-none text-right text-kumo-subtle tabular-nums">{at + 1}</span>
                    <span className="min-w-0 truncate" title={unit}>
                      {unit}
                    </span>
                    {unit in one.relevant && <span className="ml-auto flex-none text-xs">relevant</span>}
                  </li>
                ))}
              </ol>
              {!one.arms[name]?.results.length && <p className="text-kumo-subtle">No results.</p>}
            </div>
          ))}
          <p className="text-kumo-subtle sm:col-span-2">
            Relevant: {Object.keys(one.relevant).join(", ")}. {ms(one.arms[baseline]?.milliseconds ?? 0)} without, {ms(one.arms[arm]?.milliseconds ?? 0)} with reranking.
          </p>
        </div>
      )}
    </li>
  );
}
