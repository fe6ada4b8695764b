// The options of a run, at the side.
import { useHere } from "../here";
import { Card } from "../card";
import { AreaField, Choice, NumberField, Slider, Toggle } from "../fields";
import { ModelChoice } from "../models";
import { filtersOf, MOST, type Plan } from "./plan";

export function Options({ plan, set }: { plan: Plan; set: (change: Partial<Plan>) => void }) {
  const { instance } = useHere();
  const { vector, keyword } = instance.index_method;
  const types = [
    { value: "hybrid" as const, label: "Hybrid", there: vector && keyword },
    { value: "vector" as const, label: "Vector", there: vector },
    { value: "keyword" as const, label: "Keyword", there: keyword },
  ].filter((one) => one.there);
  return (
    <Card title="Options" about="Of this run alone.">
      <div className="flex flex-col gap-5">
        <Choice label="Search mode" value={plan.type} onChange={(type) => set({ type })} options={types} />
        <Slider label="Match threshold" value={plan.threshold} onChange={(threshold) => set({ threshold })} help="Of the vector score" />
        <Slider label="Max results" value={plan.results} min={1} max={MOST} step={1} shown={String(plan.results)} onChange={(results) => set({ results })} />
        <hr className="border-kumo-hairline" />
        <Toggle label="Rerank" checked={plan.rerank} onChange={(rerank) => set({ rerank })} />
        {plan.rerank && (
          <>
            <Slider label="Reranking threshold" value={plan.relevance} onChange={(relevance) => set({ relevance })} help="Of the reranking score" />
            <ModelChoice value={plan.model} onChange={(model) => set({ model })} />
            <NumberField label="Budget" unit="ms" value={plan.budget} min={1} max={600_000} onChange={(budget) => set({ budget })} help="Empty: the instance's" />
          </>
        )}
        <details>
          <summary className="cursor-pointer font-medium">More</summary>
          <div className="mt-4 flex flex-col gap-5">
            <AreaField label="Filter" rows={3} value={plan.filters} onChange={(filters) => set({ filters })} placeholder={'{"folder": "docs/"}'} error={filtersOf(plan.filters).error} />
            <Slider label="Neighbouring chunks" value={plan.expansion} min={0} max={3} step={1} shown={String(plan.expansion)} onChange={(expansion) => set({ expansion })} help="Added to the text of each result" />
            <Toggle label="Use kept answers" checked={plan.cached} onChange={(cached) => set({ cached })} />
          </div>
        </details>
      </div>
    </Card>
  );
}
