// The documents of this release, built into the dashboard, and where the API is described.
import { type MouseEvent, useEffect, useRef } from "react";
import { useLoad, useTitle } from "../hooks";
import { Nothing, Waiting } from "../parts/states";
import { BASE, go, Link } from "../router";

interface Document {
  title: string;
  html: string;
}

const DOCUMENTS = import.meta.glob<Document>(["../../../docs/*.md", "../../../docs/{howto,explanation,reference}/*.md", "!../../../docs/README.md"]);
const PICTURES = import.meta.glob<string>("../../../docs/pictures/*", { query: "?url", import: "default", eager: true });
const ROOT = "../../../docs/";

const GROUPS: [title: string, documents: [name: string, label: string][]][] = [
  [
    "Start",
    [
      ["quickstart", "Quickstart"],
      ["howto/use-the-dashboard", "Use the dashboard"],
      ["howto/measure-whether-reranking-pays", "Measure whether reranking pays"],
      ["howto/choose-thresholds", "Choose thresholds"],
    ],
  ],
  [
    "Add content",
    [
      ["howto/index-a-folder", "Index a folder"],
      ["howto/index-a-bucket", "Index a bucket"],
      ["howto/index-a-website", "Index a website"],
      ["reference/formats", "File formats"],
      ["howto/search-in-other-languages", "Search in other languages"],
    ],
  ],
  [
    "Connect",
    [
      ["howto/publish-an-endpoint", "Publish an endpoint"],
      ["howto/use-from-python", "Use from Python"],
      ["howto/use-from-a-worker", "Use from a Worker"],
      ["howto/use-as-a-reranker", "Use as a reranker"],
      ["howto/connect-a-language-model", "Connect a language model"],
      ["howto/use-a-remote-reranker", "Use a remote reranker"],
      ["howto/move-from-cloudflare", "Move from Cloudflare, and back"],
    ],
  ],
  [
    "Reference",
    [
      ["reference/api", "API routes"],
      ["reference/errors", "Errors"],
      ["reference/settings", "Settings"],
      ["reference/cli", "Command line"],
      ["compatibility", "Compatibility with Cloudflare"],
    ],
  ],
];

export default function Help({ name }: { name: string }) {
  return (
    <div className="grid items-start gap-8 md:grid-cols-[14rem_minmax(0,1fr)]">
      <nav aria-label="Help" className={`flex flex-col gap-5 ${name ? "hidden md:flex" : ""}`}>
        <a href="/docs" className="flex min-h-8 items-center font-medium text-kumo-link underline">
          API reference (OpenAPI)
        </a>
        {GROUPS.map(([title, documents]) => (
          <div key={title}>
            <h2 className="mb-1 font-semibold">{title}</h2>
            <ul>
              {documents.map(([one, label]) => (
                <li key={one}>
                  <Link to={`/help/${one}`} aria-current={one === name ? "page" : undefined} className={`-mx-2 flex min-h-8 items-center rounded-lg px-2 ${one === name ? "bg-kumo-recessed font-medium" : "text-kumo-subtle hover:bg-kumo-tint"}`}>
                    {label}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div className="min-w-0">
        {name ? (
          <>
            <Link to="/help" className="mb-3 inline-flex min-h-8 items-center text-kumo-link underline md:hidden">
              All documents
            </Link>
            <Page key={name} name={name} />
          </>
        ) : (
          <Welcome />
        )}
      </div>
    </div>
  );
}

function Welcome() {
  useTitle("Help");
  return (
    <>
      <h1 className="text-2xl font-semibold tracking-tight">Help</h1>
      <p className="mt-2 max-w-prose text-kumo-subtle">
        The documentation of this release, served without a network. The API reference lists every route, with a form to try each.
      </p>
    </>
  );
}

function Page({ name }: { name: string }) {
  const open = DOCUMENTS[`${ROOT}${name}.md`];
  const found = useLoad(async () => (open ? await open() : null), [name]);
  const box = useRef<HTMLElement>(null);
  useTitle(found.data?.title ?? "Help");
  useEffect(() => {
    if (!found.data || !box.current) return;
    for (const one of box.current.querySelectorAll<HTMLImageElement>("img[data-picture]")) one.src = PICTURES[`${ROOT}pictures/${one.dataset.picture}`] ?? "";
    if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  }, [found.data]);
  if (found.loading) return <Waiting />;
  if (!found.data) return <Nothing title="This document is not included" />;

  /** Links between documents stay in the dashboard; those to a part of the same one are the browser's. */
  function follow(event: MouseEvent): void {
    const link = (event.target as Element).closest("a");
    const path = link?.getAttribute("href") ?? "";
    if (!path.startsWith(`${BASE}/help/`) || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    go(path.slice(BASE.length));
  }
  // The HTML is made of the documents of the repository when the pages are built; nothing a user wrote is in it.
  // biome-ignore lint: see above
  return <article ref={box} className="document" onClick={follow} dangerouslySetInnerHTML={{ __html: found.data.html }} />;
}
