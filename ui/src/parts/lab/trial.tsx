// What a trial of reranking on those who search has come to: their clicks on both orders, or what the shadow would change.
import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { CheckIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { type Place, readTrials, updateInstance } from "../../api/calls";
import type { Instance, Trials } from "../../api/types";
import { useLoad } from "../../hooks";
import { Link } from "../../router";
import { ago, count, moment, ms, percent, plural } from "../../words";
import { Card } from "../card";
import { complain, Failed, say } from "../states";

const EVERY = 5000;
const FEWEST = 30;
const ANSWERS = { on: ["success", "Users prefer the reranked order"], off: ["warning", "Users prefer the retrieval order"], "not enough evidence": ["secondary", "Not enough evidence"] } as const;

export function Trial({ place, home, instance, setInstance }: { place: Place; home: string; instance: Instance; setInstance: (instance: Instance) => void }) {
  const told = useLoad(() => readTrials(place), [place, instance.reranking_mode], EVERY);
  if (told.error && !told.data) return <Failed error={told.error} retry={told.reload} title="Could not load the trial" />;
  const found = told.data;
  if (!found?.since) return null;
  const { interleaving, shadow } = found;
  const runs = found.mode === "interleave" || found.mode === "shadow";
  if (!runs && !interleaving.queries && !shadow.queries) return null;
  return (
    <Card title="Trial on live searches" about={`${found.mode === "interleave" ? "Interleaved A/B test" : found.mode === "shadow" ? "Shadow reranking (log only)" : "Last trial"}, started ${ago(found.since)}.`} action={runs ? <Badge variant="info">running</Badge> : <Badge variant="secondary">ended</Badge>}>
      {runs && !instance.query_log.enabled && (
        <p role="alert" className="mb-4 text-kumo-danger">
          The query log is off, so this trial collects nothing.{" "}
          <Link className="underline" to={`${home}/settings/log`}>
Switch it on
          </Link>
        </p>
      )}
      {(found.mode === "interleave" || interleaving.queries > 0) && <Clicks place={place} told={found} setInstance={setInstance} />}
      {(found.mode === "shadow" || shadow.queries > 0) && <Shadow told={shadow} />}
      <p className="sr-only">Started {moment(found.since)}</p>
    </Card>
  );
}

function Clicks({ place, told, setInstance }: { place: Place; told: Trials; setInstance: (instance: Instance) => void }) {
  const { answer, queries, clicked, wins, ties, losses, p } = told.interleaving;
  const [busy, setBusy] = useState(false);
  const [variant, words] = ANSWERS[answer];
  const decided = wins + losses;
  const left = Math.max(0, FEWEST - decided);
  async function end(reranking: boolean): Promise<void> {
    setBusy(true);
    try {
      setInstance(await updateInstance(place, { reranking }));
      say(reranking ? "Trial ended. Reranking is on." : "Trial ended. Reranking is off.");
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  }
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <Badge variant={variant}>{words}</Badge>
        <p className="text-[13px] text-kumo-subtle tabular-nums">
          {plural(queries, "query", "queries")} served, {count(clicked)} of them clicked
          {decided > 0 && `, p ${p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`}`}
        </p>
      </div>
      {clicked > 0 ? (
        <>
          <div aria-hidden className="flex h-3 gap-0.5 overflow-hidden rounded-full">
            <span style={{ flexGrow: wins, background: "var(--up)" }} />
            <span className="bg-kumo-fill" style={{ flexGrow: ties }} />
            <span style={{ flexGrow: losses, background: "var(--down)" }} />
          </div>
          <p className="flex flex-wrap justify-between gap-x-4 gap-y-1 text-[13px] tabular-nums">
            <span>Reranked won {count(wins)}</span>
            <span className="text-kumo-subtle">Tied {count(ties)}</span>
            <span>Retrieval won {count(losses)}</span>
          </p>
        </>
      ) : (
        <p className="text-kumo-subtle">No clicks yet. The search box reports clicks automatically; other clients send them to the feedback route.</p>
      )}
      {told.mode === "interleave" && (
        <>
          <p className="text-[13px] text-kumo-subtle">{left ? `${plural(left, "more decided query", "more decided queries")} until a result. ` : ""}If reranking loses, it is switched off automatically.</p>
          <div className="flex flex-wrap gap-2">
            <Button variant={answer === "on" ? "primary" : "secondary"} icon={<CheckIcon />} disabled={busy} onClick={() => end(true)}>
End trial, reranking on
            </Button>
            <Button disabled={busy} onClick={() => end(false)}>
End trial, reranking off
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

function Shadow({ told }: { told: Trials["shadow"] }) {
  if (!told.queries) return <p className="text-kumo-subtle">No searches yet.</p>;
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 pt-1 sm:grid-cols-4">
      <Told label="Searches" value={count(told.queries)} />
      <Told label="Top result changed" value={`${count(told.top_changed)} (${percent(told.top_changed / told.queries)})`} />
      <Told label="Reranking failed" value={count(told.fell_back)} />
      <Told label="Reranking time, p50 / p95" value={`${ms(told.p50_ms)} / ${ms(told.p95_ms)}`} />
    </dl>
  );
}

function Told({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt className="text-[13px] text-kumo-subtle">{label}</dt>
      <dd className="text-lg font-semibold tabular-nums">{value}</dd>
    </div>
  );
}
