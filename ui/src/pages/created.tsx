// The last page of the wizard: uploads, syncs and indexing, seen live until everything can be searched.
import { Button } from "@cloudflare/kumo/components/button";
import { Meter } from "@cloudflare/kumo/components/meter";
import { useMemo } from "react";
import { readInstance, readStats } from "../api/calls";
import type { Instance, Stats } from "../api/types";
import { useLoad, useTitle } from "../hooks";
import { Card, Heading } from "../parts/card";
import { SourceProblem } from "../parts/source-problem";
import { Failed } from "../parts/states";
import { DropZone, UploadSummary } from "../parts/uploads";
import { go } from "../router";
import { addUploads, type Counts, useUploads } from "../uploads";
import { plural } from "../words";

const OFTEN = 1000;

export default function Created({ namespace, name }: { namespace: string; name: string }) {
  useTitle(`${name} is ready`);
  const place = useMemo(() => ({ namespace, name }), [namespace, name]);
  const instance = useLoad(() => readInstance(place), [place], OFTEN);
  const stats = useLoad(() => readStats(place), [place], OFTEN);
  const uploads = useUploads(place);
  const home = `/instances/${namespace}/${name}`;
  const found = instance.data;
  const empty = found && !found.type && !uploads.rows.length && !totalOf(stats.data);
  const total = Math.max(totalOf(stats.data), uploads.counts.total - uploads.counts.refused - uploads.counts.failed);
  const done = stats.data ? totalOf(stats.data) - stats.data.queued - stats.data.running - stats.data.outdated : 0;
  if (instance.error && !found) return <Failed error={instance.error} retry={instance.reload} title="Could not load the instance" />;
  return (
    <div className="mx-auto max-w-3xl">
      <Heading title={found?.sync_error ? `${name} was created, but its source failed` : `${name} is ready`} about={empty ? "No files yet. Add some here, or upload them through the API." : "Files are parsed, chunked, embedded and indexed. You can search each item as soon as it is indexed."} />
      {found?.sync_error && <SourceProblem instance={found} place={place} home={home} reload={instance.reload} />}
      <Card title="Progress" className="mt-5">
        {total > 0 && <Meter label="Indexed" value={done} max={total} customValue={`${done} / ${total}`} />}
        <p className="mt-2" role="status">
          {found && stats.data ? progressOf(found, stats.data, uploads.counts) : "Loading …"}
        </p>
        <UploadSummary place={place} />
        {empty && (
          <div className="mt-4">
            <DropZone onFiles={(files) => addUploads(place, files)} />
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

function totalOf(stats: Stats | undefined): number {
  return stats ? stats.completed + stats.queued + stats.running + stats.error + stats.skipped + stats.outdated : 0;
}

function progressOf(instance: Instance, stats: Stats, uploads: Counts): string {
  const total = totalOf(stats);
  if (uploads.waiting) return "Uploading files …";
  if (stats.queued + stats.running + stats.outdated) return "Indexing …";
  if (instance.type && !instance.sync_error && !instance.last_sync?.ended_at) return `Reading ${instance.source} …`;
  if (stats.error) return `${plural(stats.error, "item")} could not be indexed. The Items page says why.`;
  if (total) return `All ${plural(total, "item")} can be searched.`;
  if (instance.sync_error) return "Nothing was indexed, because the source could not be read.";
  if (uploads.total) return "Nothing was indexed: all uploads failed.";
  return instance.type ? `The source contains no supported files.` : "Nothing to index yet.";
}
