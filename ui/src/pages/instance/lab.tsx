import { Card } from "../../parts/card";
import { CopyButton } from "../../parts/copy";
import { useHere } from "./layout";

export default function Lab() {
  const { instance } = useHere();
  const model = instance.reranking_stages[0]?.model || instance.reranking_model;
  const command = `secondlook eval my-set${model ? ` --model ${model}` : ""}`;
  return (
    <div className="max-w-3xl">
      <h1 className="sr-only">Lab of {instance.id}</h1>
      <Card title="Measure before you choose" about="Whether reranking helps is a question of your documents and your questions.">
        <p>
          Write down questions and the documents that answer them, in a folder of the BEIR layout, and let the command line compare
          keyword, vector, hybrid and reranked search on them: nDCG, MRR, recall, time, and whether a difference is more than chance.
        </p>
        <div className="mt-4 flex items-center gap-3 rounded-lg bg-kumo-recessed px-3 py-2">
          <code tabIndex={0} className="min-w-0 flex-1 overflow-x-auto text-[13px] whitespace-nowrap">{command}</code>
          <CopyButton text={command} />
        </div>
        <p className="mt-4 text-kumo-subtle">
          The page “Evaluate your own corpus” in the documentation says how the judged folder looks. This page will hold the
          same measures once they can be run here.
        </p>
      </Card>
    </div>
  );
}
