// The public endpoint of an instance: what it answers, to whom, how often, and code to use it.
import type { PublicEndpoint } from "../../api/types";
import { CopyButton } from "../../parts/copy";
import { Choice, LinesField, NumberField, TextField, Toggle } from "../../parts/fields";
import { useHere } from "../../parts/here";
import { Snippets } from "../../parts/snippets";
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
      <Toggle label="Answer without a token" name="public_endpoint_params.enabled" checked={params.enabled ?? false} onChange={(enabled) => put({ enabled })} help="Anyone who knows the address can search this instance. Switching this off and on keeps the address." />
      {address && (
        <div className="flex items-center gap-3 rounded-lg bg-kumo-recessed px-3 py-2">
          <code tabIndex={0} className="min-w-0 flex-1 overflow-x-auto text-[13px] whitespace-nowrap">{address}</code>
          <CopyButton text={address} label="Copy address" />
        </div>
      )}
      {params.enabled && !address && <p className="rounded-lg bg-kumo-recessed px-3 py-2 text-[13px]">Save to get the address and the code to use it.</p>}
      {params.enabled && address && instance.public_endpoint_params?.enabled && (
        <Snippets
          address={address}
          name={instance.id}
          search={!params.search_endpoint?.disabled}
          chat={!params.chat_completions_endpoint?.disabled}
          mcp={!params.mcp?.disabled}
        />
      )}
      {params.enabled && (
        <>
          <div className="grid gap-4 sm:grid-cols-3">
            <Toggle label="Search" checked={!params.search_endpoint?.disabled} onChange={(on) => put({ search_endpoint: { disabled: !on } })} />
            <Toggle label="Chat" checked={!params.chat_completions_endpoint?.disabled} onChange={(on) => put({ chat_completions_endpoint: { disabled: !on } })} />
            <Toggle label="MCP" checked={!params.mcp?.disabled} onChange={(on) => put({ mcp: { ...params.mcp, disabled: !on } })} />
          </div>
          <TextField label="Tool description" name="public_endpoint_params.mcp.description" value={params.mcp?.description ?? ""} onChange={(description) => put({ mcp: { ...params.mcp, description } })} placeholder="Finds exactly what you're looking for" help="Tells an agent when to use the MCP tool." />
          <div className="grid gap-5 sm:grid-cols-3">
            <NumberField label="Maximum requests" name="public_endpoint_params.rate_limit.requests" value={limit.requests} min={1} onChange={(requests) => put({ rate_limit: { ...limit, requests: requests ?? LIMIT.requests } })} />
            <NumberField label="Period" name="public_endpoint_params.rate_limit.period_ms" unit="s" value={limit.period_ms / 1000} min={60} max={3600} onChange={(seconds) => put({ rate_limit: { ...limit, period_ms: 1000 * (seconds ?? 60) } })} />
            <Choice label="Window" value={limit.technique} onChange={(technique) => put({ rate_limit: { ...limit, technique } })} options={[{ value: "fixed", label: "Fixed", about: "the count restarts with each period" }, { value: "sliding", label: "Sliding", about: "counts the requests of the last period" }]} />
          </div>
          <LinesField label="Authorized hosts" name="public_endpoint_params.authorized_hosts" value={params.authorized_hosts ?? []} onChange={(authorized_hosts) => put({ authorized_hosts: authorized_hosts.map((one) => one.trim()) })} rows={3} placeholder="*" help="Websites whose pages may read responses (CORS), one per line. Other programs are not blocked." />
        </>
      )}
    </div>
  );
}
