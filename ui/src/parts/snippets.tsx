// Code to copy for a public endpoint: the search box, an agent's configuration, and a request.
import { useId, useState } from "react";
import { CopyButton } from "./copy";

interface Props {
  address: string;
  name: string;
  search: boolean;
  chat: boolean;
  mcp: boolean;
}

const SNIPPET = "assets/v0.0.42/search-snippet.es.js";

function codes({ address, name, search, chat, mcp }: Props): [label: string, about: string, code: string][] {
  const box = [`<script type="module" src="${address}/${SNIPPET}"></script>`, "", search && `<search-bar-snippet api-url="${address}"></search-bar-snippet>`, chat && `<chat-bubble-snippet api-url="${address}"></chat-bubble-snippet>`];
  const request = `curl -X POST '${address}/search' \\\n  -H 'Content-Type: application/json' \\\n  -d '{"query": "…"}'`;
  const agent = JSON.stringify({ mcpServers: { [name]: { type: "http", url: `${address}/mcp` } } }, null, 2);
  const rows: [string, string, string, boolean][] = [
    ["Website", "Paste this into a page. Install the search box on the server once: see Publish an endpoint in Help.", box.filter((one) => one !== false).join("\n"), search || chat],
    ["Agent (MCP)", "Add this to an agent's configuration. It provides one tool, search.", agent, mcp],
    ["API", "Call this from any program. No token is needed.", request, search],
  ];
  return rows.filter(([, , , on]) => on).map(([label, about, code]) => [label, about, code]);
}

export function Snippets(props: Props) {
  const rows = codes(props);
  const [chosen, setChosen] = useState(rows[0]?.[0] ?? "");
  const id = useId();
  const shown = rows.find(([label]) => label === chosen) ?? rows[0];
  if (!shown) return null;
  return (
    <div className="rounded-xl border border-kumo-line">
      <div role="tablist" aria-label="Code to copy" className="flex gap-1 border-b border-kumo-line px-2">
        {rows.map(([label]) => (
          <button
            key={label}
            type="button"
            role="tab"
            aria-selected={label === shown[0]}
            aria-controls={id}
            onClick={() => setChosen(label)}
            className={`-mb-px min-h-9 cursor-pointer border-b-2 px-3 ${label === shown[0] ? "border-[var(--accent)] font-medium" : "border-transparent text-kumo-subtle"}`}
          >
            {label}
          </button>
        ))}
      </div>
      <div id={id} role="tabpanel" aria-label={shown[0]} className="p-3">
        <div className="mb-2 flex items-center justify-between gap-3">
          <p className="text-[13px] text-kumo-subtle">{shown[1]}</p>
          <CopyButton text={shown[2]} />
        </div>
        <pre tabIndex={0} aria-label={`Code: ${shown[0]}`} className="mono overflow-x-auto rounded-lg bg-kumo-recessed p-3 text-xs leading-relaxed">{shown[2]}</pre>
      </div>
    </div>
  );
}
