// How one answer of a chat came about: the search, the model, what it was sent, tokens and times.
import type { Dropped, Generation, Receipt as Told, Step, Threshold, Usage } from "../../api/types";
import { count, ms } from "../../words";
import { Facts } from "../card";
import { Quoted } from "./markdown";
import { goneOf, Timeline } from "./receipt";

export const EXTRACTIVE = "secondlook/extractive";

export interface Traced {
  question: string;
  searched?: string;
  generation?: Generation;
  usage?: Usage;
  receipt?: Told;
  trace: Step[];
  thresholds?: Threshold[];
  dropped?: Dropped[];
  model?: string;
  took?: number;
}

export function Trace({ turn }: { turn: Traced }) {
  const { generation, usage, receipt } = turn;
  const own = turn.model === EXTRACTIVE;
  const rows: [string, React.ReactNode][] = [
    ["Model", <span className="break-all">{own ? "None: excerpts of the documents" : (turn.model ?? "–")}</span>],
    ["Search query", turn.searched && turn.searched !== turn.question ? `${turn.searched} (rewritten)` : "As asked"],
  ];
  if (usage && !own) rows.push(["Tokens", `${count(usage.prompt_tokens)} in, ${count(usage.completion_tokens)} out`]);
  if (generation?.first_ms != null && !own) rows.push(["First token", `after ${ms(generation.first_ms)}`]);
  if (receipt) rows.push(["Reranking", `${receipt.status.replace("_", " ")}${receipt.reason ? `: ${receipt.reason}` : ""}`]);
  const gone = goneOf(turn.thresholds, turn.dropped);
  if (gone.length) rows.push(["Dropped", gone.join("; ")]);
  return (
    <details className="mt-2 border-t border-kumo-hairline pt-2 text-[13px]">
      <summary className="cursor-pointer text-kumo-subtle">
        Trace{turn.took !== undefined && ` · ${ms(turn.took)}`}
        {usage && !own && ` · ${count(usage.prompt_tokens)} tokens in, ${count(usage.completion_tokens)} out`}
      </summary>
      <div className="mt-3 flex flex-col gap-4">
        <Facts rows={rows} />
        <Timeline trace={turn.trace} total={turn.took} />
        {generation && generation.messages.length > 0 && (
          <div>
            <h3 className="mb-1.5 font-semibold">Prompt sent to the model</h3>
            <ol className="flex flex-col gap-2">
              {generation.messages.map((one, at) => (
                <li key={at}>
                  <p className="text-xs text-kumo-subtle">{one.role}</p>
                  <Quoted>{typeof one.content === "string" ? one.content : JSON.stringify(one.content, null, 2)}</Quoted>
                </li>
              ))}
            </ol>
          </div>
        )}
      </div>
    </details>
  );
}
