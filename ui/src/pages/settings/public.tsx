// The public endpoint of an instance: what it answers, to whom, and how often.
import type { PublicEndpoint } from "../../api/types";
import { CopyButton } from "../../parts/copy";
import { Choice, LinesField, NumberField, TextField, Toggle } from "../../parts/fields";
import { useHere } from "../../parts/here";
import type { Form } from "./forms";

const LIMIT = { requests: 120, period_ms: 60_000, technique: "fixed" as const };

export function PublicForm({ draft, set }: Form) {
  const { instance } = useHere();
  const params = draft.public_endpoint_params ?? {};
  const put = (change: Partial<PublicEndpoint>) => set({ public_endpoint_params: { ...params, ...change } });
  const limit = { ...LIMIT, ...params.rate_limit };
  const address = instance.public_endpoint_id && `${location.origin}/public/${instance.public_endpoint_id}`;
  return (
    <div className="flex flex-col gap-6">
      <Toggle label="Answer without a token" checked={params.enabled ?? false} onChange={(enabled) => put({ enabled })} help="Whoever knows the address can ask. The address stays the same when this is switched off and on." />
      {address && (
        <div className="flex items-center gap-3 rounded-lg bg-kumo-recessed px-3 py-2">
          <code tabIndex={0} className="min-w-0 flex-1 overflow-x-auto text-[13px] whitespace-nowrap">{address}</code>
          <CopyButton text={address} />
        </div>
      )}
      {params.enabled && (
        <>
          <div className="grid gap-4 sm:grid-cols-3">
            <Toggle label="Search" checked={!params.search_endpoint?.disabled} onChange={(on) => put({ search_endpoint: { disabled: !on } })} />
            <Toggle label="Chat" checked={!params.chat_completions_endpoint?.disabled} onChange={(on) => put({ chat_completions_endpoint: { disabled: !on } })} />
            <Toggle label="MCP" checked={!params.mcp?.disabled} onChange={(on) => put({ mcp: { ...params.mcp, disabled: !on } })} />
          </div>
          <TextField label="Tool description" value={params.mcp?.description ?? ""} onChange={(description) => put({ mcp: { ...params.mcp, description } })} placeholder="Finds exactly what you're looking for" help="What an agent reads of the MCP tool." />
          <div className="grid gap-5 sm:grid-cols-3">
            <NumberField label="Requests" value={limit.requests} min={1} onChange={(requests) => put({ rate_limit: { ...limit, requests: requests ?? LIMIT.requests } })} />
            <NumberField label="Period" unit="s" value={limit.period_ms / 1000} min={60} max={3600} onChange={(seconds) => put({ rate_limit: { ...limit, period_ms: 1000 * (seconds ?? 60) } })} />
            <Choice label="Window" value={limit.technique} onChange={(technique) => put({ rate_limit: { ...limit, technique } })} options={[{ value: "fixed", label: "Fixed" }, { value: "sliding", label: "Sliding" }]} />
          </div>
          <LinesField label="Authorized hosts" value={params.authorized_hosts ?? []} onChange={(authorized_hosts) => put({ authorized_hosts: authorized_hosts.map((one) => one.trim()) })} rows={3} placeholder="*" help="Pages of which hosts may read answers (CORS), one a line. It keeps nobody else out." />
        </>
      )}
    </div>
  );
}
