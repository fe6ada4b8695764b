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

  const kept = [words && "needs every word of the query to match by keyword", lists && "fuses by rank (RRF)"].filter(Boolean).join(" and ");
  const fresh = [words && "let any word match", lists && "fuse by score (convex)"].filter(Boolean).join(" and ");
  return (
    <section aria-label="Defaults of an earlier release">
      <Banner
        variant="default"
        icon={<InfoIcon weight="fill" />}
        title="This instance searches by the defaults of an earlier release"
        description={
          <>
            <span className="block">
              It {kept}. New instances {fresh}, which ranked better in our measurements. The index stays as it is.
            </span>
            <span className="mt-2 flex flex-wrap gap-2">
              <Button size="sm" variant="primary" loading={busy === "new"} disabled={busy !== ""} onClick={() => choose("new", "The instance has the new defaults", "or", "convex")}>
                Use the new defaults
              </Button>
              <Button size="sm" variant="secondary" loading={busy === "old"} disabled={busy !== ""} onClick={() => choose("old", "The settings stay as they are", "and", "rrf")}>
                Keep these
              </Button>
            </span>
          </>
        }
      />
    </section>
  );
}
