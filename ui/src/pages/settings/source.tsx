// Where items come from besides uploads: a folder, a bucket or a website.
import { Button } from "@cloudflare/kumo/components/button";
import { CloudArrowUpIcon, FolderIcon, GlobeIcon, KeyIcon, PlusIcon, TrashIcon, WarehouseIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { listTokens } from "../../api/calls";
import type { SourceParams } from "../../api/types";
import { useLoad } from "../../hooks";
import { BUILT_IN_TOKEN, ConnectionTest, CredentialsDialog, sourceBody } from "../../parts/credentials";
import { AreaField, Choice, LinesField, NumberField, TextField, Toggle } from "../../parts/fields";
import { span } from "../../words";
import type { Form } from "./forms";

export const KINDS = [
  { value: "", label: "Uploads", about: "Files that you add here or upload through the API.", icon: CloudArrowUpIcon },
  { value: "folder", label: "Folder", about: "A folder on the server.", icon: FolderIcon },
  { value: "r2", label: "Bucket", about: "R2, S3 or any S3-compatible store.", icon: WarehouseIcon },
  { value: "web-crawler", label: "Website", about: "Pages listed in the sitemap or found by following links.", icon: GlobeIcon },
] as const;

export function KindChoice({ draft, set }: Form) {
  return (
    <fieldset>
      <legend className="sr-only">Data source</legend>
      <div className="grid gap-3 sm:grid-cols-2">
        {KINDS.map(({ value, label, about, icon: Icon }) => (
          <label key={value} className="relative flex cursor-pointer items-start gap-3 rounded-xl border border-kumo-line p-4 hover:bg-kumo-tint has-checked:border-[var(--accent)] has-checked:bg-kumo-tint has-focus-visible:outline-2 has-focus-visible:outline-[var(--accent)]">
            <input type="radio" name="source" className="sr-only" checked={(draft.type ?? "") === value} onChange={() => set({ type: value || null, source: value ? (draft.source ?? "") : null, source_params: value ? {} : null })} />
            <Icon size={24} aria-hidden className="mt-0.5 flex-none" />
            <span>
              <span className="block font-medium">{label}</span>
              <span className="block text-[13px] text-kumo-subtle">{about}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

const INTERVALS = [900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
const PLACES = { folder: ["Folder", "/srv/handbook"], r2: ["Bucket", "my-bucket"], "web-crawler": ["Website address", "https://docs.example.com"] } as const;

export function SourceForm({ draft, set, created, lost = [] }: Form) {
  const kind = draft.type as keyof typeof PLACES | null;
  if (!kind || !(kind in PLACES)) return null;
  const params = draft.source_params ?? {};
  const put = (change: Partial<SourceParams>) => set({ source_params: { ...params, ...change } });
  const [label, placeholder] = PLACES[kind];
  return (
    <div className="flex flex-col gap-5">
      <TextField label={label} name="source" value={draft.source ?? ""} onChange={(source) => set({ source })} placeholder={placeholder} disabled={created} required {...(created && { help: "Can't be changed after creation." })} />
      {kind === "r2" && <BucketFields draft={draft} set={set} created={created} put={put} />}
      {kind === "web-crawler" && <CrawlFields params={params} put={put} lost={lost} />}
      <div className="grid gap-5 sm:grid-cols-2">
        <LinesField label="Include" name="source_params.include_items" value={params.include_items ?? []} onChange={(include_items) => put({ include_items })} placeholder="**/docs/**" rows={3} help="One pattern per line. Empty: everything." />
        <LinesField label="Exclude" name="source_params.exclude_items" value={params.exclude_items ?? []} onChange={(exclude_items) => put({ exclude_items })} placeholder="**/drafts/**" rows={3} help="Takes precedence over Include." />
        <Choice label="Sync every" name="sync_interval" value={String(draft.sync_interval)} onChange={(value) => set({ sync_interval: Number(value) })} options={INTERVALS.map((one) => ({ value: String(one), label: span(one) }))} />
      </div>
      <ConnectionTest body={sourceBody({ ...draft, source_params: tidyParams(draft.source_params) })} />
    </div>
  );
}

function BucketFields({ draft, set, put }: Form & { put: (change: Partial<SourceParams>) => void }) {
  const tokens = useLoad(listTokens, []);
  const params = draft.source_params ?? {};
  const [adding, setAdding] = useState(false);
  const rows = (tokens.data ?? []).filter((one) => one.id !== BUILT_IN_TOKEN).map((one) => ({ value: one.id, label: one.name }));
  return (
    <div className="grid gap-5 sm:grid-cols-2">
      <TextField label="Prefix" name="source_params.prefix" value={params.prefix ?? ""} onChange={(prefix) => put({ prefix })} placeholder="docs/" help="Index only keys with this prefix." />
      <TextField label="Jurisdiction" name="source_params.r2_jurisdiction" value={params.r2_jurisdiction ?? ""} onChange={(r2_jurisdiction) => put({ r2_jurisdiction })} placeholder="default" help="R2 only, for example eu." />
      <div className="flex flex-wrap items-end gap-2 sm:col-span-2">
        <Choice label="Credentials" name="token_id" value={draft.token_id ?? ""} onChange={(token_id) => set({ token_id: token_id || null })} options={[{ value: "", label: "The server's own credentials" }, ...rows]} />
        <Button aria-haspopup="dialog" icon={<KeyIcon />} onClick={() => setAdding(true)}>
          Add credentials
        </Button>
      </div>
      {adding && (
        <CredentialsDialog
          draft={draft}
          onClose={() => setAdding(false)}
          onSaved={(token) => {
            void tokens.reload();
            set({ token_id: token.id });
          }}
        />
      )}
    </div>
  );
}

const AGES = [0, 3600, 86_400, 259_200, 604_800];

function CrawlFields({ params, put, lost }: { params: SourceParams; put: (change: Partial<SourceParams>) => void; lost: string[] }) {
  const crawler = params.web_crawler ?? {};
  const parse = crawler.parse_options ?? {};
  const discover = crawler.discover_options ?? {};
  const type = crawler.parse_type ?? "sitemap";
  const putCrawler = (change: Partial<typeof crawler>) => put({ web_crawler: { ...crawler, ...change } });
  const putParse = (change: Partial<typeof parse>) => putCrawler({ parse_options: { ...parse, ...change } });
  const putDiscover = (change: Partial<typeof discover>) => putCrawler({ discover_options: { ...discover, ...change } });
  return (
    <>
      <div className="grid gap-5 sm:grid-cols-2">
        <Choice
          label="Find pages by"
          name="source_params.web_crawler.parse_type"
          value={type}
          onChange={(parse_type) => putCrawler({ parse_type })}
          options={[
            { value: "sitemap", label: "Sitemap", about: "pages listed by the site" },
            { value: "discover", label: "Discover", about: "pages found by following links" },
          ]}
        />
        {type === "sitemap" ? (
          <LinesField label="Specific sitemaps" name="source_params.web_crawler.parse_options.specific_sitemaps" value={parse.specific_sitemaps ?? []} onChange={(specific_sitemaps) => putParse({ specific_sitemaps })} rows={2} help="One address per line. Empty: the sitemaps that robots.txt names." />
        ) : (
          <Choice label="Start from" name="source_params.web_crawler.discover_options.source" value={discover.source ?? "all"} onChange={(source) => putDiscover({ source })} options={[{ value: "all", label: "Sitemaps and links" }, { value: "sitemaps", label: "Sitemaps" }, { value: "links", label: "Links" }]} />
        )}
      </div>
      {type === "discover" && (
        <>
          <div className="grid gap-5 sm:grid-cols-3">
            <NumberField label="Page limit" name="source_params.web_crawler.discover_options.limit" value={discover.limit ?? 100_000} min={1} max={100_000} onChange={(limit) => putDiscover({ limit: limit ?? 100_000 })} />
            <NumberField label="Crawl depth" name="source_params.web_crawler.discover_options.depth" value={discover.depth ?? 5} min={1} max={100_000} onChange={(depth) => putDiscover({ depth: depth ?? 5 })} />
            <Choice label="Max cache age" name="source_params.web_crawler.discover_options.max_age" value={String(discover.max_age ?? 86_400)} onChange={(value) => putDiscover({ max_age: Number(value) })} options={AGES.map((one) => ({ value: String(one), label: one ? span(one) : "No cache" }))} />
          </div>
          <Toggle label="Include subdomains" checked={discover.include_subdomains ?? false} onChange={(include_subdomains) => putDiscover({ include_subdomains })} />
        </>
      )}
      <details open={lost.length > 0} className="rounded-lg border border-kumo-hairline px-4 py-3">
        <summary className="cursor-pointer font-medium">Parser options</summary>
        <div className="mt-4 flex flex-col gap-5">
          <Headers value={parse.include_headers ?? {}} onChange={(include_headers) => putParse({ include_headers })} lost={lost} />
          <Selectors value={parse.content_selector ?? []} onChange={(content_selector) => putParse({ content_selector })} />
          <Toggle label="Render pages in a browser" checked={parse.use_browser_rendering ?? false} onChange={(use_browser_rendering) => putParse({ use_browser_rendering })} help="For sites that need JavaScript to show their text. Slower." />
        </div>
      </details>
    </>
  );
}

function Headers({ value, onChange, lost }: { value: Record<string, string>; onChange: (value: Record<string, string>) => void; lost: string[] }) {
  const [text, setText] = useState(() => linesOf(value));
  const missing = lost.filter((name) => value[name] === "");
  return (
    <div>
      <AreaField
        label="Extra headers"
        name="source_params.web_crawler.parse_options.include_headers"
        rows={2}
        placeholder="Authorization: Bearer …"
        help="One per line, as Name: value. At most 5."
        value={JSON.stringify(headersIn(text)) === JSON.stringify(value) ? text : linesOf(value)}
        onChange={(typed) => {
          setText(typed);
          onChange(headersIn(typed));
        }}
      />
      {missing.length > 0 && (
        <p role="status" className="mt-2 text-[13px] text-kumo-warning">
          Values of headers are not kept in the browser, since they may be secret. Enter the value of {missing.join(", ")} again.
        </p>
      )}
    </div>
  );
}

const linesOf = (headers: Record<string, string>): string => Object.entries(headers).map(([name, one]) => `${name}: ${one}`).join("\n");

/** The headers of these lines; a line without a colon is the name of one without a value. */
function headersIn(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.trim());
  return Object.fromEntries(lines.map((line) => { const [name = "", ...rest] = line.split(":"); return [name.trim(), rest.join(":").trim()]; }));
}

function Selectors({ value, onChange }: { value: { path: string; selector: string }[]; onChange: (value: { path: string; selector: string }[]) => void }) {
  return (
    <div className="flex flex-col gap-3">
      {value.map((one, at) => (
        <div key={at} className="grid grid-cols-[1fr_1fr_auto] items-end gap-3">
          <TextField label="Path" name={`source_params.web_crawler.parse_options.content_selector.${at}.path`} value={one.path} onChange={(path) => onChange(value.with(at, { ...one, path }))} placeholder="**/blog/**" />
          <TextField label="Selector" name={`source_params.web_crawler.parse_options.content_selector.${at}.selector`} value={one.selector} onChange={(selector) => onChange(value.with(at, { ...one, selector }))} placeholder="main article" />
          <Button shape="square" variant="ghost" aria-label={`Remove the selector of ${one.path}`} icon={<TrashIcon />} onClick={() => onChange(value.toSpliced(at, 1))} />
        </div>
      ))}
      <Button className="self-start" size="sm" icon={<PlusIcon />} onClick={() => onChange([...value, { path: "**", selector: "" }])}>
        Add a content selector
      </Button>
    </div>
  );
}

/** The parameters as they are sent: without empty lines and empty lists. */
export function tidyParams(params: SourceParams | null): SourceParams | null {
  if (!params) return null;
  const made = JSON.parse(JSON.stringify(params), (_, value: unknown) => {
    if (Array.isArray(value)) {
      const kept = value.filter((one) => typeof one !== "string" || one.trim());
      return kept.length ? kept : undefined;
    }
    return value === "" ? undefined : value;
  }) as SourceParams | undefined;
  return made ?? {};
}
