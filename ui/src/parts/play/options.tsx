// The options of a run, at the side.
import { plural } from "../../words";
import { useHere } from "../here";
import { Card } from "../card";
import { AreaField, Choice, NumberField, Slider, Toggle } from "../fields";
import { ModelChoice } from "../models";
import { filtersOf, MOST, type Plan } from "./plan";

/** The options as a card; on a narrow page they fold into one line that says what is set. */
export function Options({ plan, set, folded = false }: { plan: Plan; set: (change: Partial<Plan>) => void; folded?: boolean }) {
  if (!folded) return <Fields plan={plan} set={set} />;
  const told = [plan.type, plan.rerank ? "reranked" : "not reranked", `threshold ${plan.threshold.toFixed(2)}`, `at most ${plural(plan.results, "result")}`];
  return (
    <details className="group">
      <summary className="cursor-pointer rounded-lg border border-kumo-line bg-kumo-base px-3 py-2">
        <span className="font-medium">Options</span> <span className="text-[13px] text-kumo-subtle">{told.join(" · ")}</span>
      </summary>
      <div className="mt-3">
        <Fields plan={plan} set={set} />
      </div>
    </details>
  );
}

function Fields({ plan, set }: { plan: Plan; set: (change: Partial<Plan>) => void }) {
  const { instance } = useHere();
  const { vector, keyword } = instance.index_method;
  const types = [
    { value: "hybrid" as const, label: "Hybrid", there: vector && keyword },
    { value: "vector" as const, label: "Vector", there: vector },
    { value: "keyword" as const, label: "Keyword", there: keyword },
  ].filter((one) => one.there);
  return (
    <Card title="Options" about="They apply to this run only.">
      <div className="flex flex-col gap-5">
        <Choice label="Search mode" value={plan.type} onChange={(type) => set({ type })} options={types} />
        <Slider label="Match threshold" value={plan.threshold} onChange={(threshold) => set({ threshold })} help="Minimum vector score." />
        <Slider label="Max results" value={plan.results} min={1} max={MOST} step={1} shown={String(plan.results)} onChange={(results) => set({ results })} />
        <hr className="border-kumo-hairline" />
        <Toggle label="Rerank" checked={plan.rerank} onChange={(rerank) => set({ rerank })} />
        {plan.rerank && (
          <>
            <Slider
              label="Reranking threshold"
              value={plan.relevance ?? 0}
              {...(plan.relevance === null && { shown: "instance" })}
              onChange={(relevance) => set({ relevance })}
              help={plan.relevance === null ? `The instance keeps results with a probability of relevance of at least ${instance.reranking_match_probability}.` : "Minimum reranking score."}
            />
            {instance.reranking_stages.length > 0 && !plan.model && <p className="text-[13px] text-kumo-subtle">Uses the instance's reranking stages. Choose a model to use it instead.</p>}
            <ModelChoice value={plan.model} onChange={(model) => set({ model })} />
            <NumberField label="Budget" unit="ms" value={plan.budget} min={1} max={600_000} onChange={(budget) => set({ budget })} help="Empty: the instance's budget." />
          </>
        )}
        <details>
          <summary className="cursor-pointer font-medium">More</summary>
          <div className="mt-4 flex flex-col gap-5">
            <AreaField label="Filter" rows={3} value={plan.filters} onChange={(filters) => set({ filters })} placeholder={'{"folder": "docs/"}'} error={filtersOf(plan.filters).error} />
            <Slider label="Context expansion" value={plan.expansion} min={0} max={3} step={1} shown={String(plan.expansion)} onChange={(expansion) => set({ expansion })} help="Neighbouring chunks added to each side of a result." />
            <Toggle label="Use the answer cache" checked={plan.cached} onChange={(cached) => set({ cached })} help={`Off in the playground, because a cached answer has no trace. ${instance.cache ? "Requests to this instance use it unless they switch it off." : "This instance does not use it."}`} />
          </div>
        </details>
      </div>
    </Card>
  );
}
