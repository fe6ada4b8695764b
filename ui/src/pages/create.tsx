// The wizard: name, source, chunking and embedding, retrieval, review. Each step is a page; what is typed is a draft.
import { Banner } from "@cloudflare/kumo/components/banner";
import { Button } from "@cloudflare/kumo/components/button";
import { CaretDownIcon, CheckIcon } from "@phosphor-icons/react";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { createInstance, listModels, listNamespaces, type NewInstance } from "../api/calls";
import type { Settings } from "../api/types";
import { useLoad, useTitle } from "../hooks";
import { Card, Facts, Heading } from "../parts/card";
import { Choice, TextField } from "../parts/fields";
import { FieldProblems, stepOf } from "../parts/form-errors";
import { findModel, ModelFacts, useRerankers } from "../parts/models";
import { DropZone } from "../parts/uploads";
import { go, useGuard } from "../router";
import { forgetDraft, keepDraft, readDraft } from "../session";
import { headersLacking, lackingWords } from "../secrets";
import { addUploads, choose, takeChosen, useChosen } from "../uploads";
import { bytes, fusionOf, plural, span } from "../words";
import { ChunkingForm, type Form, FRESH, IndexForm, LIKENESS, modeOf, RerankingForm, RetrievalForm } from "./settings/forms";
import { KINDS, KindChoice, SourceForm, tidyParams } from "./settings/source";

const STEPS = ["Name", "Data source", "Chunking and embedding", "Retrieval configuration", "Review"];
const PATHS = ["", "source", "chunking", "retrieval", "review"];
/** The fields of each step, by their names in the body of the request. */
const FIELDS = [["id"], ["type", "source", "source_params", "token_id", "sync_interval"], ["embedding_model", "chunk", "chunk_size", "chunk_overlap"], ["index_method", "indexing_options", "retrieval_options", "score_threshold", "max_num_results", "fusion_method", "fusion_weight", "rewrite_query", "reranking", "reranking_model", "reranking_stages", "reranking_budget_ms", "reranking_weight"]];
const NAME = /^[a-z0-9_]+(-[a-z0-9_]+)*$/;
const DRAFT = "create";

interface Draft {
  name: string;
  namespace: string;
  settings: Settings;
  /** Names of the chosen files: after a reload they have to be chosen again. */
  files: string[];
}

const EMPTY: Draft = { name: "", namespace: "default", settings: FRESH, files: [] };

const pathOf = (step: number): string => (step ? `/create/${PATHS[step]}` : "/create");

export default function Create({ step: asked }: { step: string }) {
  useTitle("Create an instance");
  const [draft, setDraft] = useState<Draft>(() => ({ ...EMPTY, ...readDraft<Draft>(DRAFT) }));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [lost] = useState(() => headersLacking(draft.settings.source_params));
  const chosen = useChosen();
  const { name, namespace, settings } = draft;
  const form: Form = { draft: settings, lost, set: (change) => setDraft((before) => ({ ...before, settings: { ...before.settings, ...change } })), created: false };
  const last = firstWrong(name, settings);
  const step = Math.min(Math.max(0, PATHS.indexOf(asked)), last);
  const wrong = problemOf(step, name, settings);
  const missing = draft.files.filter((key) => !chosen.some((one) => one.key === key));
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef(step);

  const files = [...missing, ...chosen.map((one) => one.key)];
  const typed = JSON.stringify({ name, namespace, settings, files });
  const dirty = typed !== JSON.stringify(EMPTY);
  useGuard(dirty && !busy, {
    title: "Leave the wizard?",
    text: "“Leave” keeps what you entered, except secrets, until you close this tab: open Create instance to continue. “Discard” deletes it.",
    keeps: true,
    discard: forget,
    inside: (path) => path === "/create" || PATHS.some((one) => path === `/create/${one}`),
  });
  useEffect(() => {
    if (dirty) keepDraft(DRAFT, JSON.parse(typed));
    else forgetDraft(DRAFT);
  }, [dirty, typed]);
  useEffect(() => {
    if (asked !== PATHS[step]) go(pathOf(step), true);
    if (step !== before.current && error === undefined) heading.current?.focus(); // else a wrong field has the focus
    before.current = step;
  }, [asked, step, error]);

  function forget(): void {
    forgetDraft(DRAFT);
    takeChosen();
  }

  async function next(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (wrong || busy) return;
    setError(undefined);
    if (step < STEPS.length - 1) return go(pathOf(step + 1));
    setBusy(true);
    try {
      const found = await createInstance(namespace, bodyOf(name, settings));
      const place = { namespace: found.namespace, name: found.id };
      forgetDraft(DRAFT);
      const picked = takeChosen();
      if (picked.length) addUploads(place, picked);
      go(`/create/done/${place.namespace}/${place.name}`, true);
    } catch (problem) {
      setError(problem);
      setBusy(false);
      go(pathOf(stepOf(problem, FIELDS) ?? step));
    }
  }

  return (
    <div className="mx-auto max-w-4xl">
      <Heading title="Create an instance" about="A collection of documents that you search together." />
      <Steps at={step} jump={(to) => go(pathOf(to))} />
      <form onSubmit={next} noValidate>
        <Card className="mt-5">
          <h2 ref={heading} tabIndex={-1} className="mb-4 text-lg font-semibold outline-none">
            {STEPS[step]}
          </h2>
          <FieldProblems error={error} title="Could not create the instance">
          {step === 0 && <NameStep name={name} setName={(text) => setDraft({ ...draft, name: text })} namespace={namespace} setNamespace={(text) => setDraft({ ...draft, namespace: text })} />}
          {step === 1 && <SourceStep form={form} missing={missing} forget={() => { takeChosen(); setDraft({ ...draft, files: [] }); }} />}
          {step === 2 && <ChunkStep form={form} />}
          {step === 3 && <RetrievalStep form={form} />}
          {step === 4 && <Review name={name} namespace={namespace} draft={settings} files={chosen.length} missing={missing.length} />}
          </FieldProblems>
        </Card>
        <div className="mt-5 flex flex-wrap items-center gap-2">
          <Button variant="ghost" onClick={() => go("/")}>
            Cancel
          </Button>
          {step > 0 && <Button onClick={() => go(pathOf(step - 1))}>Back</Button>}
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

/** The last step that may be shown: the first that is not filled in, else the review. */
function firstWrong(name: string, settings: Settings): number {
  const found = STEPS.findIndex((_, step) => problemOf(step, name, settings) !== "");
  return found < 0 ? STEPS.length - 1 : found;
}

function problemOf(step: number, name: string, draft: Settings): string {
  if (!NAME.test(name) || name.length > 64) return "Use 1 to 64 characters: a-z, 0-9, _ and single hyphens between them.";
  if (step >= 1 && draft.type && !draft.source?.trim()) return "Enter the address of the source.";
  if (step >= 1 && lackingWords(draft.source_params)) return lackingWords(draft.source_params);
  if (step >= 2 && draft.chunk && (draft.chunk_size < 64 || draft.chunk_size > 510)) return "Chunks must have 64 to 510 tokens.";
  return "";
}

function bodyOf(name: string, draft: Settings): NewInstance {
  const { reranking_budget_ms, system_prompt_ai_search: _a, system_prompt_rewrite_query: _b, public_endpoint_params: _c, embedding_model, ...rest } = draft;
  const made: Record<string, unknown> = { ...rest, id: name, embedding_model, source_params: tidyParams(draft.source_params), reranking_budget_ms: reranking_budget_ms ?? 0, metadata: { created_from_aisearch_wizard: true } };
  return made as NewInstance; // folders as sources are not part of the generated type
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
            className={`flex items-center gap-2 rounded-full px-1.5 py-1 sm:px-2.5 enabled:cursor-pointer enabled:hover:bg-kumo-tint ${step === at ? "bg-kumo-recessed font-medium" : "text-kumo-subtle"}`}
          >
            <span className={`flex size-5 items-center justify-center rounded-full text-xs ${step <= at ? "bg-[var(--accent)] text-kumo-inverse" : "border border-kumo-line"}`}>
              {step < at ? <CheckIcon weight="bold" aria-label="done" /> : step + 1}
            </span>
            <span className="sr-only sm:not-sr-only">{label}</span>
          </button>
          {step < STEPS.length - 1 && <span aria-hidden className="hidden h-px w-3 bg-kumo-line sm:block" />}
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

const NAMED = 5;

function SourceStep({ form, missing, forget }: { form: Form; missing: string[]; forget: () => void }) {
  const chosen = useChosen();
  return (
    <div className="flex flex-col gap-6">
      <KindChoice {...form} />
      <SourceForm {...form} />
      <div>
        <h3 className="mb-2 font-medium">{form.draft.type ? "Additional files (optional)" : "Files (optional; you can add them later)"}</h3>
        <DropZone onFiles={choose} compact={form.draft.type !== null} />
        {missing.length > 0 && (
          <p role="status" className="mt-2 text-[13px] text-kumo-warning">
            The page was reloaded: choose {plural(missing.length, "file")} again ({missing.slice(0, NAMED).join(", ")}{missing.length > NAMED ? ", …" : ""}).{" "}
            <button type="button" className="cursor-pointer text-kumo-link underline" onClick={forget}>
              Continue without them
            </button>
          </p>
        )}
        {chosen.length > 0 && (
          <p className="mt-2 text-[13px]">
            {plural(chosen.length, "file")}, {bytes(chosen.reduce((sum, one) => sum + one.file.size, 0))}. They are uploaded once the instance is created.{" "}
            <button type="button" className="cursor-pointer text-kumo-link underline" onClick={forget}>
              Remove
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
        <Choice label="Embedding model" value={form.draft.embedding_model} onChange={(embedding_model) => form.set({ embedding_model })} options={options.length ? options : [{ value: form.draft.embedding_model, label: form.draft.embedding_model }]} help="Turns text into vectors. Can't be changed later." />
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

function Review({ name, namespace, draft, files, missing }: { name: string; namespace: string; draft: Settings; files: number; missing: number }) {
  const models = useRerankers();
  const kind = KINDS.find((one) => one.value === (draft.type ?? ""));
  const model = findModel(models, draft.reranking_model);
  const upload = files ? `${plural(files, "file")} to upload` : "no files yet";
  const source = draft.source ? `${kind?.label}: ${draft.source}${files ? `, and ${upload}` : ""}` : `${kind?.label}: ${upload}`;
  const rows: [string, ReactNode][] = [
    ["Name", namespace === "default" ? name : `${namespace} / ${name}`],
    ["Source", source],
    ["Embedding model", <span className="break-all">{draft.embedding_model}</span>],
    ["Chunks", draft.chunk ? `${draft.chunk_size} tokens, ${draft.chunk_overlap} % overlap` : "whole items"],
    ["Search mode", `${modeOf(draft.index_method)}, up to ${plural(draft.max_num_results, "result")}`],
    ["Match threshold", draft.score_threshold.toFixed(2)],
    ...(draft.index_method.keyword ? [["Keywords", KEYWORDS[draft.retrieval_options.keyword_match_mode ?? (draft.index_method.vector ? "or" : "and")]] as [string, ReactNode]] : []),
    ...(draft.index_method.keyword && draft.index_method.vector ? [["Fusion", fusionOf(draft)] as [string, ReactNode]] : []),
    ["Query rewriting", draft.rewrite_query ? "on" : "off"],
    ["Reranking", draft.reranking ? (model?.name ?? draft.reranking_model ?? "the built-in model") : "off"],
    ["Answer cache", draft.cache ? `on: ${LIKENESS.find((one) => one.value === draft.cache_threshold)?.label.toLowerCase() ?? ""} similarity, for ${span(draft.cache_ttl)}` : "off"],
  ];
  return (
    <div className="flex flex-col gap-4">
      {missing > 0 && <Banner variant="alert" title={`${plural(missing, "file")} missing`} description="The page was reloaded. Go back to Data source and choose the files again, or continue without them." />}
      <Facts rows={rows} />
      {draft.reranking && model && <ModelFacts model={model} />}
      <p className="text-[13px] text-kumo-subtle">Except for the name, the source and the embedding model, you can change all of this later in Settings.</p>
    </div>
  );
}

const KEYWORDS = { and: "all words of the query must match", or: "any word of the query may match" };
