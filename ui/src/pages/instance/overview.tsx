import { LinkButton } from "@cloudflare/kumo/components/button";
import { FlaskIcon } from "@phosphor-icons/react";
import type { MouseEvent } from "react";
import { Card, Facts, Figure } from "../../parts/card";
import { CopyButton } from "../../parts/copy";
import { findModel, ModelFacts, useRerankers } from "../../parts/models";
import { DropZone, UploadList, useUploads } from "../../parts/uploads";
import { BASE, go, Link } from "../../router";
import { session } from "../../session";
import { ago, bytes, count, moment } from "../../words";
import { modeOf } from "../settings/forms";
import { useHere } from "../../parts/here";

export default function Overview() {
  const { instance, stats, home, place, reloadStats } = useHere();
  const models = useRerankers();
  const uploads = useUploads(place, reloadStats);
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
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Figure label="Indexed items" value={stats ? count(stats.completed) : "…"} about={waiting ? `${count(waiting)} on the way` : "all there is"} />
        <Figure label="With an error" value={stats ? count(stats.error) : "…"} tone={stats?.error ? "text-kumo-danger" : ""} about={stats?.error ? <Link className="inline-flex min-h-8 items-center underline" to={`${home}/items?status=error`}>see which</Link> : "none"} />
        <Figure label="Vectors" value={stats?.engine.vectorize ? count(stats.engine.vectorize.vectorsCount) : "–"} about={stats?.engine.vectorize ? `${stats.engine.vectorize.dimensions} dimensions` : ""} />
        <Figure label="Stored files" value={bytes(stats?.engine.r2?.payloadSizeBytes)} about={stats?.engine.r2 ? `${count(stats.engine.r2.objectCount)} files` : ""} />
      </div>
      {empty && !instance.source && (
        <Card title="Add the first files" about="They are indexed at once, and can be searched within seconds.">
          <DropZone onFiles={uploads.add} />
          <UploadList uploads={uploads} />
        </Card>
      )}
      <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-2">
        <Card title="Reranking" about={instance.reranking ? "On for every request that does not switch it off." : "Off, unless a request switches it on."} action={<Link className="inline-flex min-h-8 items-center text-kumo-link underline" to={`${home}/settings/reranking`}>Change</Link>}>
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
              ["Results", `at most ${instance.max_num_results}`],
              ["Match threshold", instance.score_threshold.toFixed(2)],
              ["Chunks", instance.chunk ? `${instance.chunk_size} tokens, ${instance.chunk_overlap} % overlap` : "whole items"],
              ["Embedding", <span className="break-all">{instance.embedding_model}</span>],
              ["Kept answers", instance.cache ? "on" : "off"],
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
              ["Made", moment(instance.created_at)],
              ["Changed", ago(instance.modified_at)],
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
    <Card title="Use it" about="The API of Cloudflare AI Search: its clients work against this address." action={<CopyButton text={curl} />}>
      <pre className="overflow-x-auto rounded-lg bg-kumo-recessed p-3 text-xs leading-relaxed" tabIndex={0} aria-label="A request with curl">
        {curl}
      </pre>
    </Card>
  );
}
