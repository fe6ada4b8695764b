// The wizard: name, source, chunking and embedding, retrieval, review; then uploads and indexing, seen live.
import { Button } from "@cloudflare/kumo/components/button";
import { Meter } from "@cloudflare/kumo/components/meter";
import { CaretDownIcon, CheckIcon } from "@phosphor-icons/react";
import { type FormEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { createInstance, listModels, listNamespaces, type NewInstance, type Place, readStats } from "../api/calls";
import type { Settings } from "../api/types";
import { useLoad, useTitle } from "../hooks";
import { Card, Facts, Heading } from "../parts/card";
import { Choice, TextField } from "../parts/fields";
import { FieldProblems, stepOf } from "../parts/form-errors";
import { findModel, ModelFacts, useRerankers } from "../parts/models";
import { DropZone, UploadList, type Uploads, useUploads } from "../parts/uploads";
import { go, guardLeaving } from "../router";
import { bytes, plural } from "../words";
import { ChunkingForm, type Form, FRESH, IndexForm, modeOf, RerankingForm, RetrievalForm } from "./settings/forms";
import { KINDS, KindChoice, SourceForm, tidyParams } from "./settings/source";

const STEPS = ["Name", "Data source", "Chunking and embedding", "Retrieval configuration", "Review"];
/** The fields of each step, by their names in the body of the request. */
const FIELDS = [["id"], ["type", "source", "source_params", "token_id", "sync_interval"], ["embedding_model", "chunk", "chunk_size", "chunk_overlap"], ["index_method", "indexing_options", "retrieval_options", "score_threshold", "max_num_results", "fusion_method", "rewrite_query", "reranking", "reranking_model", "reranking_stages", "reranking_budget_ms", "reranking_weight"]];
const NAME = /^[a-z0-9_]+(-[a-z0-9_]+)*$/;

export default function Create() {
  useTitle("Create an instance");
  const [step, setStep] = useState(0);
  const [name, setName] = useState("");
  const [namespace, setNamespace] = useState("default");
  const [draft, setDraft] = useState<Settings>(FRESH);
  const [made, setMade] = useState<Place | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const uploads = useUploads(made);
  const form: Form = { draft, set: (change) => setDraft((before) => ({ ...before, ...change })), created: false };
  const wrong = problemOf(step, name, draft);
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    const dirty = !made && (name !== "" || uploads.rows.length > 0);
    guardLeaving(dirty ? () => confirm("Leave without creating the instance?") : null);
    return () => guardLeaving(null);
  }, [name, made, uploads.rows.length]);
  // biome-ignore lint: the focus follows the step
  useEffect(() => {
    if (step && error === undefined) heading.current?.focus(); // else a wrong field has the focus
  }, [step]);

  async function next(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (wrong) return;
    setError(undefined);
    if (step < STEPS.length - 1) return setStep(step + 1);
    setBusy(true);
    try {
      const found = await createInstance(namespace, bodyOf(name, draft));
      setMade({ namespace: found.namespace, name: found.id });
    } catch (problem) {
      setError(problem);
      setStep(stepOf(problem, FIELDS) ?? step);
    } finally {
      setBusy(false);
    }
  }

  if (made) return <Made place={made} uploads={uploads} uploading={draft.type === null} />;
  return (
    <div className="mx-auto max-w-4xl">
      <Heading title="Create an instance" about="A collection of documents that is searched as one." />
      <Steps at={step} jump={setStep} />
      <form onSubmit={next} noValidate>
        <Card className="mt-5">
          <h2 ref={heading} tabIndex={-1} className="mb-4 text-lg font-semibold outline-none">
            {STEPS[step]}
          </h2>
          <FieldProblems error={error} title="The instance was not created">
          {step === 0 && <NameStep name={name} setName={setName} namespace={namespace} setNamespace={setNamespace} />}
          {step === 1 && <SourceStep form={form} uploads={uploads} />}
          {step === 2 && <ChunkStep form={form} />}
          {step === 3 && <RetrievalStep form={form} />}
          {step === 4 && <Review name={name} namespace={namespace} draft={draft} uploads={uploads} />}
          </FieldProblems>
        </Card>
        <div className="mt-5 flex items-center gap-2">
          {step > 0 && <Button onClick={() => setStep(step - 1)}>Back</Button>}
          <span className="ml-auto text-[13px] text-kumo-subtle" aria-live="polite">
            {name !== "" || step ? wrong : ""}
          </span>
          <Button type="submit" variant="primary" disabled={!!wrong || busy} loading={busy}>
            {step < STEPS.length - 1 ? "Next" : "Create"}
          </Button>
        </div>
      </form>
    </div>
  );
}

function problemOf(step: number, name: string, draft: Settings): string {
  if (!NAME.test(name) || name.length > 64) return "The name: 1 to 64 of a-z, 0-9, _ and single inner hyphens.";
  if (step >= 1 && draft.type && !draft.source?.trim()) return "Say where the source is.";
  if (step >= 2 && draft.chunk && (draft.chunk_size < 64 || draft.chunk_size > 510)) return "Chunks have 64 to 510 tokens.";
  return "";
}

function bodyOf(name: string, draft: Settings): NewInstance {
  const { reranking_budget_ms, system_prompt_ai_search: _a, system_prompt_rewrite_query: _b, public_endpoint_params: _c, embedding_model, ...rest } = draft;
  const made: Record<string, unknown> = { ...rest, id: name, embedding_model, source_params: tidyParams(draft.source_params), reranking_budget_ms: reranking_budget_ms ?? 0, metadata: { created_from_aisearch_wizard: true } };
  return made as NewInstance; // a folder as a source is ours, and told by servers that have it
}

function Steps({ at, jump }: { at: number; jump: (step: number) => void }) {
  return (
    <ol className="flex flex-wrap gap-x-1 gap-y-2 text-[13px]" aria-label="Steps">
      {STEPS.map((label, step) => (
        <li key={label} className="flex items-center gap-1">
          <button
            type="button"
            disabled={step > at}
            aria-current={step === at ? "step" : undefined}
            onClick={() => jump(step)}
            className={`flex items-center gap-2 rounded-full px-2.5 py-1 enabled:cursor-pointer enabled:hover:bg-kumo-tint ${step === at ? "bg-kumo-recessed font-medium" : "text-kumo-subtle"}`}
          >
            <span className={`flex size-5 items-center justify-center rounded-full text-xs ${step <= at ? "bg-[var(--accent)] text-kumo-inverse" : "border border-kumo-line"}`}>
              {step < at ? <CheckIcon weight="bold" aria-label="done" /> : step + 1}
            </span>
            <span className={step === at ? "" : "hidden sm:inline"}>{label}</span>
          </button>
          {step < STEPS.length - 1 && <span aria-hidden className="h-px w-3 bg-kumo-line" />}
        </li>
      ))}
    </ol>
  );
}

function NameStep({ name, setName, namespace, setNamespace }: { name: string; setName: (name: string) => void; namespace: string; setNamespace: (name: string) => void }) {
  const spaces = useLoad(listNamespaces, []);
  const names = ["default", ...(spaces.data ?? []).map((one) => one.name)];
  return (
    <div className="flex max-w-md flex-col gap-5">
      <TextField label="Name" name="id" value={name} onChange={(text) => setName(text.toLowerCase().replace(/\s+/g, "-"))} placeholder="handbook" autoFocus required help="Used in API URLs. Can't be changed later." />
      {names.length > 1 && <Choice label="Namespace" value={namespace} onChange={setNamespace} options={names.map((value) => ({ value, label: value }))} />}
    </div>
  );
}

function SourceStep({ form, uploads }: { form: Form; uploads: Uploads }) {
  return (
    <div className="flex flex-col gap-6">
      <KindChoice {...form} />
      <SourceForm {...form} />
      <div>
        <h3 className="mb-2 font-medium">{form.draft.type ? "Files besides (optional)" : "Files (optional; you can add them later)"}</h3>
        <DropZone onFiles={uploads.add} compact={form.draft.type !== null} />
        {uploads.rows.length > 0 && (
          <p className="mt-2 text-[13px]">
            {plural(uploads.rows.length, "file")}, {bytes(uploads.rows.reduce((sum, one) => sum + one.file.size, 0))}: sent once the instance is there.{" "}
            <button type="button" className="cursor-pointer text-kumo-link underline" onClick={uploads.clear}>
              Remove them
            </button>
          </p>
        )}
      </div>
    </div>
  );
}

function ChunkStep({ form }: { form: Form }) {
  const models = useLoad(() => listModels("embedding"), []);
  const options = (models.data ?? []).map((one) => ({ value: one.name, label: one.name, about: "built in" }));
  return (
    <div className="flex flex-col gap-6">
      <div className="max-w-md">
        <Choice label="Embedding model" value={form.draft.embedding_model} onChange={(embedding_model) => form.set({ embedding_model })} options={options.length ? options : [{ value: form.draft.embedding_model, label: form.draft.embedding_model }]} help="What makes vectors of text. It cannot be changed later." />
      </div>
      <ChunkingForm {...form} />
    </div>
  );
}

function RetrievalStep({ form }: { form: Form }) {
  return (
    <div className="flex flex-col gap-6">
      <IndexForm {...form} />
      <RetrievalForm {...form} />
      <details open className="group rounded-xl border border-kumo-line">
        <summary className="flex cursor-pointer list-none items-center gap-2 px-4 py-3 font-semibold">
          <CaretDownIcon aria-hidden className="transition-transform group-not-open:-rotate-90" />
          Reranking
          <span className="ml-auto text-[13px] font-normal text-kumo-subtle">{form.draft.reranking ? "on" : "off"}</span>
        </summary>
        <div className="border-t border-kumo-hairline px-4 py-4">
          <RerankingForm {...form} />
        </div>
      </details>
    </div>
  );
}

function Review({ name, namespace, draft, uploads }: { name: string; namespace: string; draft: Settings; uploads: Uploads }) {
  const models = useRerankers();
  const kind = KINDS.find((one) => one.value === (draft.type ?? ""));
  const model = findModel(models, draft.reranking_model);
  const rows: [string, ReactNode][] = [
    ["Name", namespace === "default" ? name : `${namespace} / ${name}`],
    ["Source", draft.source ? `${kind?.label}: ${draft.source}` : `${kind?.label}, ${plural(uploads.rows.length, "file")} to send`],
    ["Embedding", draft.embedding_model],
    ["Chunks", draft.chunk ? `${draft.chunk_size} tokens, ${draft.chunk_overlap} % overlap` : "whole items"],
    ["Search", `${modeOf(draft.index_method)}, at most ${draft.max_num_results} results, threshold ${draft.score_threshold.toFixed(2)}`],
    ["Query rewriting", draft.rewrite_query ? "on" : "off"],
    ["Reranking", draft.reranking ? (model?.name ?? draft.reranking_model ?? "the built-in model") : "off"],
  ];
  return (
    <div className="flex flex-col gap-4">
      <Facts rows={rows} />
      {draft.reranking && model && <ModelFacts model={model} />}
    </div>
  );
}

function Made({ place, uploads, uploading }: { place: Place; uploads: Uploads; uploading: boolean }) {
  const stats = useLoad(() => readStats(place), [place], 1000);
  const found = stats.data;
  const total = found ? found.completed + found.queued + found.running + found.error + found.skipped + found.outdated : 0;
  const waiting = found ? found.queued + found.running : 0;
  const done = !uploads.busy && found && waiting === 0 && (total > 0 || uploads.rows.length === 0);
  const home = useMemo(() => `/instances/${place.namespace}/${place.name}`, [place]);
  return (
    <div className="mx-auto max-w-3xl">
      <Heading title={<>{place.name} is there</>} about={uploading && !uploads.rows.length ? "It is empty as yet: add files, or send them to the API." : "Files are read, split, embedded and stored; what is done can be searched already."} />
      <Card title="Progress">
        {total > 0 && <Meter label="Indexed" value={total - waiting} max={Math.max(total, uploads.rows.length)} customValue={`${total - waiting} / ${Math.max(total, uploads.rows.length)}`} />}
        <p className="mt-2" role="status">
          {done ? (found.error ? `${plural(found.error, "item")} could not be indexed; the items page says why.` : total ? `All ${plural(total, "item")} can be searched.` : "Nothing to index.") : uploads.busy ? "Sending files …" : "Indexing …"}
        </p>
        <UploadList uploads={uploads} />
        {uploading && !uploads.rows.length && (
          <div className="mt-4">
            <DropZone onFiles={uploads.add} />
          </div>
        )}
      </Card>
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={() => go(home)}>Overview</Button>
        <Button variant="primary" onClick={() => go(`${home}/playground`)}>
          Try it in the playground
        </Button>
      </div>
    </div>
  );
}
