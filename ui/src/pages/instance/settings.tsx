// Everything of an instance that can be changed, in sections; a section is saved as one.
import { Button } from "@cloudflare/kumo/components/button";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { clearQueries, deleteInstance, type InstanceChange, purgeCache, updateInstance } from "../../api/calls";
import type { Settings as Values } from "../../api/types";
import { useChosenInSight } from "../../hooks";
import { Card, Facts } from "../../parts/card";
import { Confirm } from "../../parts/confirm";
import { Toggle } from "../../parts/fields";
import { FieldProblems } from "../../parts/form-errors";
import { say } from "../../parts/states";
import { go, Link, useGuard, usePath } from "../../router";
import { forgetDraft, keepDraft, readDraft } from "../../session";
import { headersLacking, lackingWords } from "../../secrets";
import { moment } from "../../words";
import { BoostForm, CacheForm, ChunkingForm, type Form, IndexForm, MetadataForm, ModelsForm, PromptsForm, QueryLogForm, RerankingForm, RetrievalForm } from "../settings/forms";
import { PublicForm } from "../settings/public";
import { SourceForm, tidyParams } from "../settings/source";
import { useHere } from "../../parts/here";

const SECTIONS = {
  general: "General",
  sources: "Sources",
  chunking: "Chunking",
  models: "Models",
  retrieval: "Retrieval",
  reranking: "Reranking",
  prompts: "Prompts",
  cache: "Cache",
  log: "Query log",
  public: "Public endpoint",
  danger: "Danger zone",
} as const;
type Section = keyof typeof SECTIONS;

export default function Settings() {
  const { home, section, instance } = useHere();
  const here: Section = section in SECTIONS ? (section as Section) : "general";
  const list = useChosenInSight(here);
  return (
    <div className="grid items-start gap-6 md:grid-cols-[11rem_1fr]">
      <h1 className="sr-only">Settings of {instance.id}</h1>
      <nav ref={list} aria-label="Settings" className="relative -mx-4 flex gap-1 overflow-x-auto px-4 md:mx-0 md:flex-col md:px-0">
        {Object.entries(SECTIONS).map(([key, label]) => (
          <Link key={key} to={`${home}/settings/${key}`} aria-current={key === here ? "page" : undefined} className={`rounded-lg px-3 py-1.5 whitespace-nowrap ${key === here ? "bg-kumo-recessed font-medium" : "text-kumo-subtle hover:bg-kumo-tint"}`}>
            {label}
          </Link>
        ))}
      </nav>
      <div className="min-w-0">
        <SectionOf key={here} section={here} />
      </div>
    </div>
  );
}

function SectionOf({ section }: { section: Section }) {
  switch (section) {
    case "general":
      return <General />;
    case "sources":
      return <Sources />;
    case "chunking":
      return (
        <Editor title="Chunking" about="A change re-indexes every item in the background. Searches use the old chunks until then." fields={["chunk", "chunk_size", "chunk_overlap", "custom_metadata"]}>
          {(form) => (
            <>
              <ChunkingForm {...form} />
              <h3 className="mt-7 mb-1 font-semibold">Metadata fields</h3>
              <p className="mb-3 text-[13px] text-kumo-subtle">Searches can filter and boost by these fields, and by filename, folder and timestamp.</p>
              <MetadataForm {...form} />
            </>
          )}
        </Editor>
      );
    case "models":
      return (
        <Editor title="Models" fields={["ai_search_model", "rewrite_model"]}>
          {(form) => <ModelsForm {...form} />}
        </Editor>
      );
    case "retrieval":
      return (
        <Editor title="Retrieval" about="Requests can override these settings." fields={["index_method", "indexing_options", "score_threshold", "max_num_results", "retrieval_options", "fusion_method", "fusion_weight", "rewrite_query"]}>
          {(form) => (
            <>
              <div className="mb-6">
                <IndexForm {...form} />
              </div>
              <RetrievalForm {...form} />
              <h3 className="mt-7 mb-3 font-semibold">Boosts</h3>
              <BoostForm {...form} />
            </>
          )}
        </Editor>
      );
    case "reranking":
      return (
        <Editor title="Reranking" about="The built-in reranker, a late-interaction model, runs on the CPU of this server." fields={["reranking", "reranking_mode", "reranking_match_probability", "reranking_model", "reranking_stages", "reranking_budget_ms", "reranking_weight", "reranking_on_failure"]}>
          {(form) => <RerankingForm {...form} />}
        </Editor>
      );
    case "prompts":
      return (
        <Editor title="Prompts" fields={["system_prompt_ai_search", "system_prompt_rewrite_query"]}>
          {(form) => <PromptsForm {...form} />}
        </Editor>
      );
    case "cache":
      return <Cache />;
    case "log":
      return <QueryLog />;
    case "public":
      return (
        <Editor title="Public endpoint" about="Search, chat and MCP without a token, for websites and agents." fields={["public_endpoint_params"]}>
          {(form) => <PublicForm {...form} />}
        </Editor>
      );
    default:
      return <Danger />;
  }
}

function Editor({ title, about, fields, children }: { title: string; about?: string; fields: (keyof Values)[]; children: (form: Form) => ReactNode }) {
  const { instance, place, setInstance, reloadStats } = useHere();
  const name = `settings.${place.namespace}.${place.name}.${title}`;
  const [draft, setDraft] = useState<Values>(() => ({ ...instance, ...readDraft<Partial<Values>>(name, instance) }));
  const [lost] = useState(() => headersLacking(draft.source_params));
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const changed = fields.filter((field) => JSON.stringify(draft[field]) !== JSON.stringify(instance[field]));
  const lacking = changed.includes("source_params") ? lackingWords(draft.source_params) : "";
  const here = usePath();

  useGuard(changed.length > 0, {
    title: "Leave without saving?",
    text: `Your changes to ${title} are not saved.`,
    keeps: false,
    discard: () => forgetDraft(name),
    inside: (path) => path === here,
  });
  const typed = changed.length ? JSON.stringify(Object.fromEntries(changed.map((field) => [field, draft[field]]))) : "";
  useEffect(() => {
    if (typed) keepDraft(name, JSON.parse(typed), instance);
    else forgetDraft(name);
  }, [name, typed, instance]);

  async function save(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const found = await updateInstance(place, changeOf(draft, changed, instance));
      setInstance(found);
      setDraft(found);
      say(`${title}: saved`);
      await reloadStats();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }
  return (
    <form onSubmit={save} noValidate>
      <Card title={title} about={about}>
        <FieldProblems error={error} title="Not saved">
          {children({ draft, lost, set: (change) => setDraft((before) => ({ ...before, ...change })), created: true })}
        </FieldProblems>
        <div className="mt-6 flex items-center justify-end gap-2 border-t border-kumo-hairline pt-4">
          <span className="mr-auto text-[13px] text-kumo-subtle" aria-live="polite">
            {lacking || (changed.length ? "Unsaved changes" : "")}
          </span>
          {changed.length > 0 && <Button onClick={() => setDraft(instance)}>Undo</Button>}
          <Button type="submit" variant="primary" disabled={!changed.length || busy || lacking !== ""} loading={busy}>
            Save
          </Button>
        </div>
      </Card>
    </form>
  );
}

/** The body of the update: null leaves a field unchanged, so empty values are sent in the form that clears them. */
function changeOf(draft: Values, fields: (keyof Values)[], before: Values): InstanceChange {
  const body: Record<string, unknown> = Object.fromEntries(fields.map((name) => [name, draft[name]]));
  const { keyword_match_mode: mode, ...others } = draft.retrieval_options;
  if ("retrieval_options" in body && mode === before.retrieval_options.keyword_match_mode) body.retrieval_options = others; // a default stays one
  if ("reranking_budget_ms" in body) body.reranking_budget_ms = draft.reranking_budget_ms ?? 0;
  for (const name of ["system_prompt_ai_search", "system_prompt_rewrite_query"] as const) if (name in body) body[name] = draft[name] ?? "";
  if ("public_endpoint_params" in body && draft.public_endpoint_params) {
    const { authorized_hosts, rate_limit, ...rest } = draft.public_endpoint_params;
    const hosts = authorized_hosts?.filter(Boolean);
    body.public_endpoint_params = { ...rest, ...(rate_limit && { rate_limit }), ...(hosts?.length && { authorized_hosts: hosts }) };
  }
  if ("source_params" in body) body.source_params = tidyParams(draft.source_params);
  return body as InstanceChange; // made of the instance's own fields
}

function General() {
  const { instance } = useHere();
  return (
    <Editor title="General" fields={["paused"]}>
      {(form) => (
        <div className="flex flex-col gap-6">
          <Facts
            rows={[
              ["Name", instance.id],
              ["Namespace", instance.namespace],
              ["Embedding model", <span className="break-all">{instance.embedding_model}</span>],
              ["Created", moment(instance.created_at)],
              ["Last changed", moment(instance.modified_at)],
            ]}
          />
          <Toggle label="Pause syncs" checked={form.draft.paused} onChange={(paused) => form.set({ paused })} help="Uploads and searches continue." />
        </div>
      )}
    </Editor>
  );
}

function Sources() {
  const { instance } = useHere();
  if (!instance.type)
    return (
      <Card title="Sources">
        <p>This instance indexes uploads. To index a folder, a bucket or a website, create another instance with that source.</p>
      </Card>
    );
  return (
    <Editor title="Sources" about="What to index, and how often to sync." fields={["source_params", "sync_interval", "token_id"]}>
      {(form) => <SourceForm {...form} />}
    </Editor>
  );
}

function Cache() {
  const { place, instance } = useHere();
  const [asking, setAsking] = useState(false);
  return (
    <div className="flex flex-col gap-5">
      <Editor title="Answer cache" fields={["cache", "cache_threshold", "cache_ttl"]}>
        {(form) => <CacheForm {...form} />}
      </Editor>
      <Card title="Purge" about="Removes every cached answer of this instance. The index is not affected.">
        <Button aria-haspopup="dialog" onClick={() => setAsking(true)}>Purge the cache</Button>
      </Card>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title="Purge the cache?"
        action="Purge"
        run={async () => {
          await purgeCache(place);
          say(`Purged the answer cache of ${instance.id}`);
        }}
      >
        Every cached answer of this instance is removed. The next answers are computed anew and take longer.
      </Confirm>
    </div>
  );
}

function QueryLog() {
  const { place, instance } = useHere();
  const [asking, setAsking] = useState(false);
  return (
    <div className="flex flex-col gap-5">
      <Editor title="Query log" about="Feeds the charts in Metrics and query sets of the Lab." fields={["query_log"]}>
        {(form) => <QueryLogForm {...form} />}
      </Editor>
      <Card title="Empty the query log" about="Removes every logged query, with its clicks and thumbs.">
        <Button aria-haspopup="dialog" onClick={() => setAsking(true)}>Empty the query log</Button>
      </Card>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title="Empty the query log?"
        action="Empty"
        run={async () => {
          await clearQueries(place);
          say(`Emptied the query log of ${instance.id}`);
        }}
      >
        All logged queries of this instance are removed for good, with their clicks and thumbs. Query sets stay. If the log is on, new searches are logged.
      </Confirm>
    </div>
  );
}

function Danger() {
  const { place, instance } = useHere();
  const [asking, setAsking] = useState(false);
  return (
    <Card title="Danger zone" className="border-kumo-danger!">
      <div className="flex flex-wrap items-center justify-between gap-4">
        <div>
          <h3 className="font-medium">Delete this instance</h3>
          <p className="text-[13px] text-kumo-subtle">Removes its items, files, index and settings for good. Requests to it then fail.</p>
        </div>
        <Button variant="destructive" aria-haspopup="dialog" onClick={() => setAsking(true)}>
          Delete {instance.id}
        </Button>
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={`Delete the instance “${instance.id}”?`}
        action="Delete for good"
        typed={instance.id}
        run={async () => {
          await deleteInstance(place);
          say(`Deleted ${instance.id}`);
          go("/", true);
        }}
      >
        Its items, files, index and settings are removed, and requests to it fail. Only a backup of the data folder can bring them back.
      </Confirm>
    </Card>
  );
}
