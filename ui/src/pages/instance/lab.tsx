// Whether reranking pays on this instance's own documents and questions: runs, their progress, and what they came to.
import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { Meter } from "@cloudflare/kumo/components/meter";
import { FlaskIcon, PlusIcon, ThumbsUpIcon, TrashIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { cancelRun, deleteRun, listRuns, readRun } from "../../api/calls";
import type { LabRun } from "../../api/types";
import { useLoad } from "../../hooks";
import { Card } from "../../parts/card";
import { Confirm } from "../../parts/confirm";
import { Begin } from "../../parts/lab/begin";
import { Sets } from "../../parts/lab/sets";
import { Report } from "../../parts/lab/report";
import { Trial } from "../../parts/lab/trial";
import { complain, Failed, Nothing, say, Waiting } from "../../parts/states";
import { go, Link } from "../../router";
import { ago, count, plural } from "../../words";
import { useHere } from "../../parts/here";

const STATE = { running: "info", completed: "success", cancelled: "secondary", error: "error" } as const;
const OFTEN = 1500;

export default function Lab() {
  const { place, home, section, instance, setInstance } = useHere();
  const runs = useLoad(() => listRuns(place), [place], OFTEN);
  const fresh = section === "new";
  if (section === "sets")
    return (
      <div className="flex flex-col gap-4">
        <h1 className="sr-only">Query sets of {instance.id}</h1>
        <Link className="text-kumo-link underline" to={`${home}/lab`}>
          Back to the Lab
        </Link>
        <Sets place={place} home={home} />
      </div>
    );
  const rows = runs.data?.rows ?? [];
  const chosen = fresh ? "" : section || rows[0]?.id || "";
  return (
    <div className="flex flex-col gap-5">
      <h1 className="sr-only">Lab of {instance.id}</h1>
      <Trial place={place} home={home} instance={instance} setInstance={setInstance} />
      {runs.error && !runs.data ? (
        <Failed error={runs.error} retry={runs.reload} title="Could not list the runs" />
      ) : !runs.data ? (
        <Waiting />
      ) : (
        <>
          {rows.length > 0 && (
            <div className="flex flex-wrap items-center gap-2">
              <ul aria-label="Runs" className="flex min-w-0 flex-1 basis-full gap-2 overflow-x-auto p-1 sm:basis-0">
                {rows.map((run) => (
                  <li key={run.id}>
                    <button type="button" aria-current={run.id === chosen} onClick={() => go(`${home}/lab/${run.id}`)} className={`cursor-pointer rounded-lg border px-3 py-1.5 text-left whitespace-nowrap ${run.id === chosen ? "border-[var(--accent)] bg-kumo-base" : "border-kumo-line hover:bg-kumo-tint"}`}>
                      <span className="block text-[13px]">{ago(run.created_at)}</span>
                      <span className="block text-xs text-kumo-subtle">
                        {plural(run.queries, "query", "queries")}, {run.state}
                      </span>
                    </button>
                  </li>
                ))}
              </ul>
              <Button icon={<ThumbsUpIcon />} onClick={() => go(`${home}/lab/sets`)}>
                Query sets
              </Button>
              <Button icon={<PlusIcon />} onClick={() => go(`${home}/lab/new`)}>
                New run
              </Button>
            </div>
          )}
          {fresh || !rows.length ? (
            <Begin
              place={place}
              home={home}
              logged={instance.query_log.enabled}
              onBegun={(run) => {
                say("Run started");
                void runs.reload();
                go(`${home}/lab/${run.id}`);
              }}
            />
          ) : (
            <Run key={chosen} id={chosen} moved={JSON.stringify(rows.find((one) => one.id === chosen))} reload={runs.reload} />
          )}
        </>
      )}
    </div>
  );
}

/** One run; it is read again when the list says that it moved. */
function Run({ id, moved, reload }: { id: string; moved: string | undefined; reload: () => Promise<void> }) {
  const { place, home, setInstance } = useHere();
  const run = useLoad(() => readRun(place, id), [place, id, moved]);
  const [asking, setAsking] = useState(false);
  if (run.error) return <Failed error={run.error} retry={run.reload} title="Could not load the run" />;
  if (!run.data) return <Waiting />;
  const found = run.data;
  return (
    <>
      {found.report ? <Report place={place} run={found} told={found.report} setInstance={setInstance} /> : <Unfinished run={found} reload={reload} />}
      <div className="flex justify-end">
        <Button size="sm" variant="ghost" aria-haspopup="dialog" icon={<TrashIcon />} disabled={found.state === "running"} onClick={() => setAsking(true)}>
          Delete this run
        </Button>
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title="Delete this run?"
        action="Delete"
        run={async () => {
          await deleteRun(place, found.id);
          go(`${home}/lab`, true);
          await reload();
        }}
      >
        Its figures and its report are removed for good. Settings that were applied stay.
      </Confirm>
    </>
  );
}

function Unfinished({ run, reload }: { run: LabRun; reload: () => Promise<void> }) {
  const { place } = useHere();
  async function cancel(): Promise<void> {
    try {
      await cancelRun(place, run.id);
      await reload();
    } catch (error) {
      complain(error);
    }
  }
  if (run.state !== "running")
    return (
      <Nothing icon={<FlaskIcon size={36} />} title={run.state === "error" ? "The run failed" : "The run was cancelled"}>
        {run.reason || `${count(run.done)} of ${plural(run.queries, "query", "queries")} had been measured.`}
      </Nothing>
    );
  return (
    <Card title="Running" action={<Badge variant={STATE[run.state]}>{run.state}</Badge>}>
      <Meter label="Measured" value={run.done} max={Math.max(1, run.queries)} customValue={`${count(run.done)} / ${plural(run.queries, "query", "queries")}`} />
      <p role="status" className="mt-2 text-[13px] text-kumo-subtle">
        {run.done ? "If the server stops, the run resumes where it left off." : "Queued: one run is measured at a time."}
      </p>
      <div className="mt-4">
        <Button onClick={cancel}>Cancel</Button>
      </div>
    </Card>
  );
}
