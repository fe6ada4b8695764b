// An instance that still searches by the defaults of an earlier release, and one click to take today's.
import { Banner } from "@cloudflare/kumo/components/banner";
import { Button } from "@cloudflare/kumo/components/button";
import { InfoIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { type InstanceChange, type Place, updateInstance } from "../api/calls";
import type { Instance } from "../api/types";
import { complain, say } from "./states";

export function EarlierDefaults({ instance, place, setInstance }: { instance: Instance; place: Place; setInstance: (instance: Instance) => void }) {
  const [busy, setBusy] = useState("");
  const words = instance.keyword_match_mode_origin === "earlier_default";
  const lists = instance.fusion_method_origin === "earlier_default";
  if (!(instance.index_method.vector && instance.index_method.keyword) || !(words || lists)) return null;

  async function choose(name: string, done: string, mode: "and" | "or", fusion: "convex" | "rrf"): Promise<void> {
    setBusy(name);
    const body: InstanceChange = { ...(words && { retrieval_options: { keyword_match_mode: mode } }), ...(lists && { fusion_method: fusion }) };
    try {
      setInstance(await updateInstance(place, body));
      say(done);
    } catch (error) {
      complain(error);
    } finally {
      setBusy("");
    }
  }

  const kept = [words && "keyword search finds only chunks with every word of the query", lists && "hybrid search fuses by rank (RRF)"].filter(Boolean).join(", and ");
  const fresh = [words && "keyword search finds chunks with any word of the query", lists && "hybrid search fuses by score (convex)"].filter(Boolean).join(", and ");
  return (
    <section aria-label="Defaults of an earlier release">
      <Banner
        variant="default"
        icon={<InfoIcon weight="fill" />}
        title="This instance uses the search defaults of an earlier release"
        description={
          <>
            <span className="block">
              Here {kept}. In new instances {fresh}; this ranked better in our measurements. Both buttons leave the index as it is.
            </span>
            <span className="mt-2 flex flex-wrap gap-2">
              <Button size="sm" variant="primary" loading={busy === "new"} disabled={busy !== ""} onClick={() => choose("new", "This instance now uses the new defaults", "or", "convex")}>
                Use the new defaults
              </Button>
              <Button size="sm" variant="secondary" loading={busy === "old"} disabled={busy !== ""} onClick={() => choose("old", "The current settings are kept", "and", "rrf")}>
                Keep the current settings
              </Button>
            </span>
          </>
        }
      />
    </section>
  );
}
