import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { Meter } from "@cloudflare/kumo/components/meter";
import { ArrowsClockwiseIcon } from "@phosphor-icons/react";
import { useEffect, useRef, useState } from "react";
import { cancelJob, createJob, listJobs } from "../../api/calls";
import { useJob } from "../../api/follow";
import type { Job } from "../../api/types";
import { useLoad } from "../../hooks";
import { Card } from "../../parts/card";
import { complain, Failed, Nothing, say, Waiting } from "../../parts/states";
import { go } from "../../router";
import { ago, clock, count, moment } from "../../words";
import { useHere } from "../../parts/here";

export default function Jobs() {
  const { place, home, section, instance, reloadStats } = useHere();
  const jobs = useLoad(() => listJobs(place), [place], 15000);
  const chosen = section || jobs.data?.rows[0]?.id || "";

  async function start(): Promise<void> {
    try {
      const job = await createJob(place, "from the dashboard");
      say("Sync started");
      await jobs.reload();
      await reloadStats();
      go(`${home}/jobs/${job.id}`);
    } catch (error) {
      complain(error);
    }
  }

  return (
    <div>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <h1 className="sr-only">Jobs of {instance.id}</h1>
        <p className="max-w-prose text-kumo-subtle">
          {instance.source ? `A sync fetches new and changed items from ${instance.source}, and retries failed ones.` : "A sync re-indexes failed and outdated items. Uploads are indexed without one."}
        </p>
        <Button variant="primary" icon={<ArrowsClockwiseIcon />} onClick={start}>
          Sync now
        </Button>
      </div>
      {jobs.error ? (
        <Failed error={jobs.error} retry={jobs.reload} title="Could not list the jobs" />
      ) : !jobs.data ? (
        <Waiting />
      ) : !jobs.data.rows.length ? (
        <Nothing icon={<ArrowsClockwiseIcon size={36} />} title="No jobs yet">
          Uploads are indexed without a job. Start a sync to retry failed items.
        </Nothing>
      ) : (
        <div className="grid items-start gap-5 lg:grid-cols-[20rem_1fr]">
          <ul className="overflow-hidden rounded-xl border border-kumo-hairline bg-kumo-base shadow-xs">
            {jobs.data.rows.map((job) => (
              <li key={job.id} className="border-b border-kumo-hairline last:border-0">
                <button type="button" aria-current={job.id === chosen} onClick={() => go(`${home}/jobs/${job.id}`)} className={`flex w-full cursor-pointer items-center justify-between gap-3 px-4 py-2.5 text-left hover:bg-kumo-tint ${job.id === chosen ? "bg-kumo-tint" : ""}`}>
                  <span>
                    <span className="block">{ago(job.started_at)}</span>
                    <span className="block text-xs text-kumo-subtle">{job.source === "user" ? "by hand" : "by schedule"}</span>
                  </span>
                  <JobBadge job={job} />
                </button>
              </li>
            ))}
          </ul>
          {chosen && <JobCard
              key={chosen}
              id={chosen}
              ended={() => {
                void jobs.reload();
                void reloadStats();
              }}
            />}
        </div>
      )}
    </div>
  );
}

function JobBadge({ job }: { job: Job }) {
  if (!job.ended_at) return <Badge variant="info">running</Badge>;
  const kind = job.end_reason?.split(":")[0] ?? "ended";
  return <Badge variant={kind === "completed" ? "success" : kind === "cancelled" ? "secondary" : "error"}>{kind}</Badge>;
}

const TONES = ["", "text-kumo-warning", "text-kumo-danger"];

const SHOWN = 1000;

function JobCard({ id, ended }: { id: string; ended: () => void }) {
  const { place } = useHere();
  const [whole, setWhole] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const { job, lines, items, error, broken } = useJob(place, id, ended, attempt);
  const end = useRef<HTMLDivElement>(null);
  // biome-ignore lint: follows the last line
  useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight });
  }, [lines.length]);
  if (error) return <Failed error={error} retry={() => setAttempt(attempt + 1)} />;
  if (!job) return <Waiting />;
  const total = Object.values(items).reduce((sum, one) => sum + one, 0);
  const left = (items.queued ?? 0) + (items.running ?? 0);
  const shown = whole ? lines : lines.slice(-SHOWN);
  return (
    <Card
      title="Log"
      about={`${moment(job.started_at)}${job.end_reason ? `: ${job.end_reason}` : ""}`}
      action={
        !job.ended_at && (
          <Button size="sm" onClick={() => cancelJob(place, id).catch(complain)}>
            Cancel
          </Button>
        )
      }
    >
      {!job.ended_at && total > 0 && (
        <div className="mb-4">
          <Meter label="Indexed" value={total - left} max={total} customValue={`${count(total - left)} / ${count(total)}`} />
        </div>
      )}
      {broken && !job.ended_at && <p className="mb-2 text-sm text-kumo-warning">Connection lost. Reconnecting; the sync continues.</p>}
      <div ref={end} className="mono max-h-[55vh] min-h-32 overflow-auto text-xs leading-6" tabIndex={0} role="log" aria-label="Lines of the job">
        {shown.length < lines.length && (
          <Button size="sm" variant="secondary" onClick={() => setWhole(true)}>
            Show {count(lines.length - shown.length)} earlier lines
          </Button>
        )}
        {shown.map((line) => (
          <div key={line.id} className={TONES[line.message_type] ?? ""}>
            <span className="mr-3 text-kumo-subtle tabular-nums">{clock(line.created_at < 1e11 ? 1000 * line.created_at : line.created_at)}</span>
            {line.message}
          </div>
        ))}
        {!lines.length && <span className="text-kumo-subtle">{job.ended_at ? "No log lines." : "Waiting for the first line …"}</span>}
      </div>
    </Card>
  );
}
