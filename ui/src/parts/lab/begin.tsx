// A run to begin: whose queries, which arms, and how long a search may take.
import { Button } from "@cloudflare/kumo/components/button";
import { FlaskIcon, PlusIcon, TrashIcon } from "@phosphor-icons/react";
import { type FormEvent, useId, useState } from "react";
import { beginRun, type LabBody, listSets, type Place } from "../../api/calls";
import { told } from "../../api/client";
import type { LabRun } from "../../api/types";
import { useLoad } from "../../hooks";
import { Link } from "../../router";
import { bytes, plural } from "../../words";
import { Card } from "../card";
import { Choice, NumberField, Slider, Toggle } from "../fields";
import { ModelChoice } from "../models";

type Origin = "set" | "file" | "log" | "headings" | "generated";
interface Arm {
  model: string | null;
  window: number | null;
  weight: number;
}

export function Begin({ place, home, logged, onBegun }: { place: Place; home: string; logged: boolean; onBegun: (run: LabRun) => void }) {
  const [origin, setOrigin] = useState<Origin>(logged ? "log" : "headings");
  const sets = useLoad(() => listSets(place), [place]);
  const filled = (sets.data ?? []).filter((one) => one.judgments);
  const [wanted, setWanted] = useState("");
  const set = filled.some((one) => one.name === wanted) ? wanted : (filled[0]?.name ?? "");
  const [playground, setPlayground] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const [limit, setLimit] = useState<number | null>(300);
  const [budget, setBudget] = useState<number | null>(null);
  const [arms, setArms] = useState<Arm[]>([]);
  const [judge, setJudge] = useState(false);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  async function begin(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      const body = {
        ...(origin === "file" && file ? { file: { name: file.name, content: await file.text() } } : origin === "set" ? { judged_set: set } : { query_set: origin }),
        ...(origin === "log" && playground && { playground }),
        ...(judge && { judge: { model: "" } }),
        ...(limit && { limit }),
        ...(budget && { budget_ms: budget }),
        ...(arms.length && { arms: arms.map((one) => ({ ...(one.model && { model: one.model }), ...(one.window && { window: one.window }), weight: one.weight })) }),
      };
      onBegun(await beginRun(place, body as LabBody));
    } catch (problem) {
      setError(told(problem));
    } finally {
      setBusy(false);
    }
  }
  const change = (at: number, next: Partial<Arm>) => setArms((before) => before.map((one, place) => (place === at ? { ...one, ...next } : one)));
  return (
    <form onSubmit={begin}>
      <Card title="Measure whether reranking pays" about="Every configuration ranks the same queries and is compared with search without reranking.">
        <fieldset className="grid gap-3 sm:grid-cols-2">
          <legend className="mb-1.5 font-medium">Queries</legend>
          <Kind name="log" now={origin} set={setOrigin} label="Query log" about={logged ? "Logged queries, judged by clicks and thumbs." : "The query log is off. Switch it on under Metrics."} />
          <Kind name="set" now={origin} set={setOrigin} label="A query set" about={filled.length ? "Queries whose results you judged in the playground or the query log." : "No query set yet. Judge results with the thumbs in the playground."} />
          <Kind name="file" now={origin} set={setOrigin} label="A file" about="CSV with columns query and item, or JSON Lines with query and items." />
          <Kind name="headings" now={origin} set={setOrigin} label="Headings" about="Questions and headings from the documents. Synthetic, and easier than real queries." />
          <Kind name="generated" now={origin} set={setOrigin} label="Generated" about="Questions that a language model writes about passages. Synthetic; needs a connected language model." />
        </fieldset>
        {origin === "file" && <FileField file={file} set={setFile} />}
        {origin === "set" && set && (
          <div className="mt-4 flex max-w-md flex-wrap items-end gap-3">
            <div className="min-w-0 flex-1">
              <Choice label="Query set" value={set} onChange={setWanted} options={filled.map((one) => ({ value: one.name, label: one.name, about: `${plural(one.queries, "query", "queries")}, ${plural(one.judgments, "judgment")}` }))} />
            </div>
            <Link className="pb-1.5 text-kumo-link underline" to={`${home}/lab/sets`}>
  View queries
            </Link>
          </div>
        )}
        {origin === "log" && (
          <div className="mt-4">
            <Toggle label="Include playground searches" checked={playground} onChange={setPlayground} />
          </div>
        )}
        <div className="mt-5 grid gap-5 sm:grid-cols-2">
          <NumberField label="Maximum queries" value={limit} min={1} max={5000} onChange={setLimit} help="300 is usually enough. About 0.1 s per query and configuration." />
          <NumberField label="Latency budget" unit="ms" value={budget} min={1} max={600_000} onChange={setBudget} help="95th percentile of search time. Empty: no limit." />
        </div>
        <div className="mt-5">
          <Toggle label="Use a language model to judge unjudged results" checked={judge} onChange={setJudge} help="Judges the top ten of each configuration. The report shows how often it agrees with your judgments." />
        </div>
        <h3 className="mt-6 font-medium">Configurations</h3>
        <p className="text-[13px] text-kumo-subtle">{arms.length ? "Compared with search without reranking, which is always included." : "Default: the built-in reranker with several windows and weights, and every other installed reranker."}</p>
        <ul className="mt-2 flex flex-col gap-3">
          {arms.map((one, at) => (
            <li key={at} className="grid items-start gap-4 rounded-lg border border-kumo-hairline p-4 sm:grid-cols-[minmax(0,2fr)_1fr_1fr_auto]">
              <ModelChoice value={one.model} onChange={(model) => change(at, { model })} />
              <NumberField label="Window" value={one.window} min={1} max={200} onChange={(window) => change(at, { window })} />
              <Slider label="Weight" value={one.weight} min={0.05} max={1} step={0.05} onChange={(weight) => change(at, { weight })} />
              <Button shape="square" variant="ghost" aria-label={`Remove configuration ${at + 1}`} icon={<TrashIcon />} onClick={() => setArms(arms.toSpliced(at, 1))} />
            </li>
          ))}
        </ul>
        <Button className="mt-2" size="sm" icon={<PlusIcon />} onClick={() => setArms([...arms, { model: null, window: 50, weight: 1 }])}>
          {arms.length ? "Add a configuration" : "Choose configurations"}
        </Button>
        {error && (
          <p role="alert" className="mt-4 text-kumo-danger">
            {error}
          </p>
        )}
        <div className="mt-5 flex justify-end border-t border-kumo-hairline pt-4">
          <Button type="submit" variant="primary" icon={<FlaskIcon />} loading={busy} disabled={busy || (origin === "file" && !file) || (origin === "set" && !set) || (origin === "log" && !logged)}>
            Start run
          </Button>
        </div>
      </Card>
    </form>
  );
}

function Kind({ name, now, set, label, about }: { name: Origin; now: Origin; set: (name: Origin) => void; label: string; about: string }) {
  return (
    <label className="relative flex cursor-pointer flex-col rounded-xl border border-kumo-line p-3.5 hover:bg-kumo-tint has-checked:border-[var(--accent)] has-checked:bg-kumo-tint has-focus-visible:outline-2 has-focus-visible:outline-[var(--accent)]">
      <input type="radio" name="origin" className="sr-only" checked={now === name} onChange={() => set(name)} />
      <span className="font-medium">{label}</span>
      <span className="text-[13px] text-kumo-subtle">{about}</span>
    </label>
  );
}

function FileField({ file, set }: { file: File | null; set: (file: File | null) => void }) {
  const id = useId();
  return (
    <div className="mt-4 flex flex-wrap items-center gap-3">
      <label htmlFor={id} className="cursor-pointer rounded-lg border border-kumo-line px-3 py-1.5 hover:bg-kumo-tint has-focus-visible:outline-2">
        {file ? "Choose another file" : "Choose a file"}
        <input id={id} type="file" accept=".csv,.jsonl" aria-label="File of queries" className="sr-only" onChange={(event) => set(event.target.files?.[0] ?? null)} />
      </label>
      {file && (
        <span className="text-[13px] text-kumo-subtle">
          {file.name}, {bytes(file.size)}
        </span>
      )}
    </div>
  );
}
