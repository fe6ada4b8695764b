// Why the source of an instance fails, and what to do about it.
import { Banner } from "@cloudflare/kumo/components/banner";
import { Button } from "@cloudflare/kumo/components/button";
import { WarningCircleIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { createJob, type Place, updateInstance } from "../api/calls";
import type { Instance } from "../api/types";
import { go } from "../router";
import { ago, sentence } from "../words";
import { complain, say } from "./states";

export function SourceProblem({ instance, place, home, reload }: { instance: Instance; place: Place; home: string; reload: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const problem = instance.sync_error;
  if (!problem) return null;

  /** Resuming starts a sync by itself; an instance that is not paused gets one. */
  async function again(): Promise<void> {
    setBusy(true);
    try {
      if (instance.paused) await updateInstance(place, { paused: false });
      else await createJob(place, "from the dashboard");
      say("Sync started");
      await reload();
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <div role="alert">
      <Banner
        variant="error"
        icon={<WarningCircleIcon weight="fill" />}
        title={instance.paused ? "The source failed, and syncs are paused" : "The last sync failed"}
        description={
          <>
            <span className="block break-words">{sentence(problem.message)} ({ago(problem.at)})</span>
            <span className="mt-2 flex flex-wrap gap-2">
            <Button size="sm" variant="secondary" onClick={() => go(`${home}/settings/sources`)}>
              Fix
            </Button>
            <Button size="sm" variant="secondary" onClick={() => go(`${home}/jobs/${problem.job_id}`)}>
              Log
            </Button>
            <Button size="sm" variant="primary" loading={busy} disabled={busy} onClick={again}>
              {instance.paused ? "Resume" : "Sync again"}
            </Button>
            </span>
          </>
        }
      />
    </div>
  );
}
