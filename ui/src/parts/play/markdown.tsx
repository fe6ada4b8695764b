// The text of a model as Markdown: no HTML of its own, no picture from elsewhere, and citations that open their chunk.
import type { ReactNode } from "react";
import Markdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import type { Chunk } from "../../api/types";

const CITED = "#chunk-";
const SAFE = /^(https?:|mailto:)/i;
/** Code is left as it is; then citations [key], [key; key] and 【key】, and "From key:" on a line of its own. */
const CITATION = /(```[\s\S]*?(?:```|$)|`[^`\n]*`)|\[([^[\]\n]{1,400})\](?![(:])|【([^【】\n]{1,400})】|^From (.{1,400}):$/gm;
const AROUND = 400;

export function Prose({ text, chunks = [], onOpen }: { text: string; chunks?: Chunk[]; onOpen?: (chunk: Chunk) => void }) {
  const components: Components = {
    a: ({ href, children }) => {
      const chunk = href?.startsWith(CITED) ? chunks[Number(href.slice(CITED.length))] : undefined;
      if (chunk && onOpen)
        return (
          <button type="button" className="cite" aria-haspopup="dialog" title={`Open ${chunk.item.key} at this passage`} onClick={() => onOpen(chunk)}>
            {children}
          </button>
        );
      return href && SAFE.test(href) ? (
        <a href={href} target="_blank" rel="noopener noreferrer">
          {children}
        </a>
      ) : (
        <span>{children}</span>
      );
    },
    img: ({ alt }) => <em>{alt ? `[image: ${alt}]` : "[image]"}</em>,
    table: ({ children }) => (
      <div className="overflow-x-auto" tabIndex={0}>
        <table>{children}</table>
      </div>
    ),
    pre: ({ children }) => <pre tabIndex={0}>{children}</pre>,
    input: ({ checked }) => <span>{checked ? "☑" : "☐"}</span>,
  };
  return (
    <div className="prose-answer">
      <Markdown remarkPlugins={[remarkGfm]} urlTransform={(url) => (SAFE.test(url) || url.startsWith(CITED) ? url : "")} components={components}>
        {cited(text, chunks)}
      </Markdown>
    </div>
  );
}

/** The text with a link to its chunk in place of each citation of a known document. */
export function cited(text: string, chunks: Chunk[]): string {
  const known = new Set(chunks.map((one) => one.item.key));
  const link = (key: string, at: number) => `[${escaped(key)}](${CITED}${chunks.indexOf(closest(chunks, key, text.slice(Math.max(0, at - AROUND), at + AROUND)))})`;
  return text.replace(CITATION, (whole: string, code: string | undefined, square: string | undefined, lens: string | undefined, from: string | undefined, at: number) => {
    if (code !== undefined) return whole;
    if (from !== undefined) return known.has(from) ? `From ${link(from, at + AROUND)}:` : whole;
    const inside = square ?? lens ?? "";
    const keys = known.has(inside) ? [inside] : inside.split(/[,;]\s*/);
    return keys.every((key) => known.has(key)) ? keys.map((key) => link(key, at)).join(" ") : whole;
  });
}

/** Of the chunks of a document, the one that shares most words with the text around the citation. */
function closest(chunks: Chunk[], key: string, around: string): Chunk {
  const words = new Set(around.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
  const shared = (chunk: Chunk) => new Set((chunk.text ?? "").toLowerCase().match(/[\p{L}\p{N}]+/gu)?.filter((one) => words.has(one))).size;
  const own = chunks.filter((one) => one.item.key === key);
  return own.reduce((best, one) => (shared(one) > shared(best) ? one : best)) as Chunk;
}

const escaped = (key: string): string => key.replace(/[\\`*_{}[\]<>#+.!|~-]/g, "\\$&");

export function Quoted({ children }: { children: ReactNode }) {
  return <pre className="max-h-72 overflow-auto rounded-lg bg-kumo-recessed p-3 text-xs whitespace-pre-wrap break-words">{children}</pre>;
}
