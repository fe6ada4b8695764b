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
const ANSWERS = { on: ["success", "People like the reranked order more"], off: ["warning", "People like the order of retrieval more"], "not enough evidence": ["secondary", "Not enough evidence"] } as const;

export function Trial({ place, home, instance, setInstance }: { place: Place; home: string; instance: Instance; setInstance: (instance: Instance) => void }) {
  const told = useLoad(() => readTrials(place), [place, instance.reranking_mode], EVERY);
  if (told.error && !told.data) return <Failed error={told.error} retry={told.reload} title="What people made of reranking could not be read" />;
  const found = told.data;
  if (!found?.since) return null;
  const { interleaving, shadow } = found;
  const runs = found.mode === "interleave" || found.mode === "shadow";
  if (!runs && !interleaving.queries && !shadow.queries) return null;
  return (
    <Card title="On those who search" about={`${found.mode === "interleave" ? "Both orders in one list" : found.mode === "shadow" ? "Reranked in the shadow" : "The last trial"}, begun ${ago(found.since)}.`} action={runs ? <Badge variant="info">running</Badge> : <Badge variant="secondary">ended</Badge>}>
      {runs && !instance.query_log.enabled && (
        <p role="alert" className="mb-4 text-kumo-danger">
          No query log is kept, so nothing is learnt.{" "}
          <Link className="underline" to={`${home}/settings/log`}>
            Keep one
          </Link>
        </p>
      )}
      {(found.mode === "interleave" || interleaving.queries > 0) && <Clicks place={place} told={found} setInstance={setInstance} />}
      {(found.mode === "shadow" || shadow.queries > 0) && <Shadow told={shadow} />}
      <p className="sr-only">Begun {moment(found.since)}</p>
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
      say(reranking ? "Reranking is on, the trial has ended" : "Reranking is off, the trial has ended");
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
            <span className="text-kumo-subtle">even {count(ties)}</span>
            <span>Retrieval won {count(losses)}</span>
          </p>
        </>
      ) : (
        <p className="text-kumo-subtle">Nothing has been clicked yet. The search box tells clicks by itself; other clients tell them through the feedback route.</p>
      )}
      {told.mode === "interleave" && (
        <>
          <p className="text-[13px] text-kumo-subtle">{left ? `${plural(left, "more decided query", "more decided queries")} before anything is said. ` : ""}When reranking loses, it is switched off by itself.</p>
          <div className="flex flex-wrap gap-2">
            <Button variant={answer === "on" ? "primary" : "secondary"} icon={<CheckIcon />} disabled={busy} onClick={() => end(true)}>
              End with reranking on
            </Button>
            <Button disabled={busy} onClick={() => end(false)}>
              End with reranking off
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

function Shadow({ told }: { told: Trials["shadow"] }) {
  if (!told.queries) return <p className="text-kumo-subtle">Nothing has been searched yet.</p>;
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3 pt-1 sm:grid-cols-4">
      <Told label="Searches" value={count(told.queries)} />
      <Told label="Another first result" value={`${count(told.top_changed)} (${percent(told.top_changed / told.queries)})`} />
      <Told label="Reranking failed" value={count(told.fell_back)} />
      <Told label="Time of reranking, p50 / p95" value={`${ms(told.p50_ms)} / ${ms(told.p95_ms)}`} />
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
