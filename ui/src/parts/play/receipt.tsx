// The receipt of a search: what was done, by which model, and how long each part took.
import { Badge } from "@cloudflare/kumo/components/badge";
import type { Dropped, Receipt as Told, Step, Threshold } from "../../api/types";
import { count, fusionOf, ms } from "../../words";
import { Card, Facts } from "../card";

const STATUS = { ran: ["success", "ran"], skipped: ["secondary", "skipped"], fell_back: ["warning", "fell back"], substituted: ["warning", "by a fallback model"] } as const;
const ABOUT: Record<string, string> = {
  rewrite: "turns a follow-up into a self-contained question",
};
const THRESHOLDS = { match_threshold: "match threshold", "reranking.match_threshold": "reranking threshold" } as const;
const STAGES: Record<string, string> = { window: "beyond the reranker's window", keep: "beyond what the cascade keeps", cut: "beyond max results" };

export function Receipt({ receipt, trace, dropped, thresholds = [], total, hit }: { receipt: Told | undefined; trace: Step[]; dropped: Dropped[]; thresholds?: Threshold[] | undefined; total?: number | undefined; hit?: boolean }) {
  const [variant, word] = receipt ? STATUS[receipt.status] : (["secondary", "unknown"] as const);
  const gone = goneOf(thresholds, dropped);
  return (
    <Card title="Receipt" about="How the server produced this answer." action={<span className="flex items-center gap-2">{hit && <Badge variant="info">cached answer</Badge>}<Badge variant={variant}>reranking {word}</Badge></span>}>
      <Timeline trace={trace} total={total} />
      {receipt && (
        <div className="mt-5 text-[13px]">
          <Facts
            rows={[
              ...(receipt.fusion ? ([["Fusion", fusionIn(receipt.fusion)]] as [string, string][]) : []),
              ...(receipt.reason ? ([["Because", receipt.reason]] as [string, string][]) : []),
              ...(receipt.model ? ([["Model", <span className="break-all">{receipt.model}</span>]] as [string, React.ReactNode][]) : []),
              ...(receipt.status === "skipped" ? [] : ([["Candidates", `${receipt.candidates_in} read, ${receipt.scored} scored, ${receipt.candidates_out} left${receipt.truncated ? `, ${receipt.truncated} not read to the end` : ""}${receipt.cached ? `, ${receipt.cached} known from before` : ""}`]] as [string, string][])),
              ...(gone.length ? ([["Dropped", gone.join("; ")]] as [string, string][]) : []),
            ]}
          />
        </div>
      )}
    </Card>
  );
}

/** ``convex, 0.5`` or the name of another method, as the settings call it. */
function fusionIn(text: string): string {
  const [fusion_method, weight] = text.split(", ");
  return fusionOf({ fusion_method, fusion_weight: Number(weight) });
}

/** How many candidates each threshold dropped, in words. */
export function belowOf(thresholds: Threshold[] = []): string[] {
  return thresholds.filter((one) => one.dropped).map((one) => `${count(one.dropped)} below the ${THRESHOLDS[one.name]} ${one.value === null ? "of its instance" : `(${one.value})`}`);
}

/** The same, and how many were dropped for want of room. */
export function goneOf(thresholds: Threshold[] = [], dropped: Dropped[] = []): string[] {
  const beyond = Object.entries(STAGES).flatMap(([stage, about]) => {
    const number = dropped.filter((one) => one.stage === stage).length;
    return number ? [`${count(number)} ${about}`] : [];
  });
  return [...belowOf(thresholds), ...beyond];
}

/** ``explain`` is left out of the scale: only this page asks for it, and no other client pays for it. */
export function Timeline({ trace, total }: { trace: Step[]; total: number | undefined }) {
  const steps = trace.filter((one) => one.stage !== "explain");
  const explained = trace.find((one) => one.stage === "explain");
  const whole = Math.max(steps.reduce((all, one) => all + one.ms, 0), 1e-6);
  let from = 0;
  if (!trace.length) return <p className="text-[13px] text-kumo-subtle">No times available for this answer.</p>;
  return (
    <div>
      <ol className="flex flex-col gap-1.5" aria-label="Time of each stage">
        {steps.map((step, at) => {
          const begin = (100 * from) / whole;
          from += step.ms;
          return (
            <li key={at} className="grid grid-cols-[4.5rem_minmax(0,1fr)_4.5rem] items-center gap-3 text-[13px]" title={[step.note, ABOUT[step.stage]].filter(Boolean).join("; ")}>
              <span>{step.stage}</span>
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" className="h-3 w-full rounded bg-kumo-recessed" aria-hidden>
                <rect x={Math.min(begin, 99.4)} width={Math.max(0.6, (100 * step.ms) / whole)} height="4" style={{ fill: step.stage === "rerank" ? "var(--accent)" : "var(--quiet)" }} />
              </svg>
              <span className="text-right tabular-nums">{ms(step.ms)}</span>
            </li>
          );
        })}
      </ol>
      <p className="mt-2 text-xs text-kumo-subtle">
        {[`All stages ${ms(whole)}`, explained && `explain ${ms(explained.ms)} (playground only)`, total !== undefined && `round trip ${ms(total)}`].filter(Boolean).join(" · ")}
      </p>
    </div>
  );
}
