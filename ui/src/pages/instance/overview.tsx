import { LinkButton } from "@cloudflare/kumo/components/button";
import { FlaskIcon } from "@phosphor-icons/react";
import { type MouseEvent, useEffect } from "react";
import { Card, Facts, Figure } from "../../parts/card";
import { CopyButton } from "../../parts/copy";
import { findModel, ModelFacts, useRerankers } from "../../parts/models";
import { SourceProblem } from "../../parts/source-problem";
import { EarlierDefaults } from "../../parts/earlier-defaults";
import { DropZone, UploadSummary } from "../../parts/uploads";
import { addUploads, useUploads } from "../../uploads";
import { BASE, go, Link } from "../../router";
import { session } from "../../session";
import { ago, bytes, count, fusionOf, moment, plural } from "../../words";
import { modeOf } from "../settings/forms";
import { useHere } from "../../parts/here";

export default function Overview() {
  const { instance, stats, home, place, reload, reloadStats, setInstance } = useHere();
  const models = useRerankers();
  const stored = useUploads(place).counts.stored;
  // biome-ignore lint: the counts follow what is stored
  useEffect(() => {
    if (stored) void reloadStats();
  }, [stored]);
  const model = findModel(models, instance.reranking_stages[0]?.model || instance.reranking_model);
  const waiting = stats ? stats.queued + stats.running + stats.outdated : 0;
  const empty = stats && !stats.completed && !waiting && !stats.error && !stats.skipped;
  const errors = { ...stats?.file_embed_errors, ...stats?.index_source_errors };

  function open(event: MouseEvent): void {
    event.preventDefault();
    go(`${home}/playground`);
  }

  return (
    <div className="flex flex-col gap-5">
      <h1 className="sr-only">Overview of {instance.id}</h1>
      <SourceProblem instance={instance} place={place} home={home} reload={reload} />
      <EarlierDefaults instance={instance} place={place} setInstance={setInstance} />
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Figure label="Indexed items" value={stats ? count(stats.completed) : "…"} about={waiting ? `${count(waiting)} in progress` : "up to date"} />
        <Figure label="Failed" value={stats ? count(stats.error) : "…"} tone={stats?.error ? "text-kumo-danger" : ""} about={stats?.error ? <Link className="inline-flex min-h-8 items-center underline" to={`${home}/items?status=error`}>Show them</Link> : "no errors"} />
        <Figure label="Vectors" value={stats?.engine.vectorize ? count(stats.engine.vectorize.vectorsCount) : "–"} about={stats?.engine.vectorize ? `${stats.engine.vectorize.dimensions} dimensions` : ""} />
        <Figure label="Stored files" value={bytes(stats?.engine.r2?.payloadSizeBytes)} about={stats?.engine.r2 ? plural(stats.engine.r2.objectCount, "file") : ""} />
      </div>
      {empty && !instance.source && (
        <Card title="Add the first files" about="They are indexed at once and can be searched within seconds.">
          <DropZone onFiles={(files) => addUploads(place, files)} />
        </Card>
      )}
      <UploadSummary place={place} />
      <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-2">
        <Card title="Reranking" about={instance.reranking ? "On by default. A request can switch it off." : "Off by default. A request can switch it on."} action={<Link className="inline-flex min-h-8 items-center text-kumo-link underline" to={`${home}/settings/reranking`}>Change</Link>}>
          {model && <div className="mb-2 break-words font-medium">{model.name}</div>}
          {model && <ModelFacts model={model} />}
          <LinkButton href={`${BASE}${home}/playground`} onClick={open} variant="secondary" className="mt-4" icon={<FlaskIcon />}>
            See what it changes
          </LinkButton>
        </Card>
        <Card title="Retrieval">
          <Facts
            rows={[
              ["Search mode", modeOf(instance.index_method)],
              ...(instance.index_method.vector && instance.index_method.keyword ? [["Fusion", fusionOf(instance)] as [string, string]] : []),
              ["Results", `up to ${instance.max_num_results}`],
              ["Match threshold", instance.score_threshold.toFixed(2)],
              ["Chunks", instance.chunk ? `${instance.chunk_size} tokens, ${instance.chunk_overlap} % overlap` : "whole items"],
              ["Embedding", <span className="break-all">{instance.embedding_model}</span>],
              ["Answer cache", instance.cache ? "on" : "off"],
            ]}
          />
        </Card>
        {Object.keys(errors).length > 0 && (
          <Card title="Errors by kind">
            <Facts rows={Object.entries(errors).map(([kind, number]) => [<code>{kind}</code>, count(number)])} />
          </Card>
        )}
        <Card title="About">
          <Facts
            rows={[
              ["Source", instance.source ? `${instance.type}: ${instance.source}` : "uploads"],
              ["Created", moment(instance.created_at)],
              ["Last changed", ago(instance.modified_at)],
              ["Last activity", ago(instance.last_activity)],
            ]}
          />
        </Card>
        <Api />
      </div>
    </div>
  );
}

function Api() {
  const { instance } = useHere();
  const url = `${location.origin}/client/v4/accounts/${session()?.account}/ai-search/namespaces/${instance.namespace}/instances/${instance.id}/search`;
  const curl = `curl -X POST '${url}' \\\n  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\\n  -d '{"query": "…", "ai_search_options": {"reranking": {"enabled": true}}}'`;
  return (
    <Card title="Use it" about="Cloudflare AI Search clients work with this base URL." action={<CopyButton text={curl} />}>
      <pre className="overflow-x-auto rounded-lg bg-kumo-recessed p-3 text-xs leading-relaxed" tabIndex={0} aria-label="A request with curl">
        {curl}
      </pre>
    </Card>
  );
}
