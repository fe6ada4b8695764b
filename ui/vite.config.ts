import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix, relative, resolve } from "node:path";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { Marked } from "marked";
import { defineConfig, type Plugin } from "vite";

const server = process.env.SECONDLOOK_URL ?? "http://127.0.0.1:8787";
const DOCS = resolve(import.meta.dirname, "../docs");
const REFERENCE = ["swagger-ui-bundle.js", "swagger-ui.css"];

/** Documents become HTML while the pages are built, so that help needs neither a network nor a parser. */
function documents(): Plugin {
  return {
    name: "documents",
    enforce: "pre",
    async transform(code, id) {
      const file = id.split("?")[0] ?? id;
      if (!file.startsWith(DOCS) || !file.endsWith(".md")) return null;
      const title = /^title: (.+)$/m.exec(code)?.[1] ?? "";
      const html = await rendered(code.replace(/^---\n[\s\S]*?\n---\n/, ""), relative(DOCS, dirname(file)));
      return { code: `export const title = ${JSON.stringify(title)};\nexport const html = ${JSON.stringify(html)};`, map: null };
    },
  };
}

async function rendered(text: string, folder: string): Promise<string> {
  const marked = new Marked({ gfm: true });
  const seen = new Map<string, number>();
  marked.use({
    renderer: {
      heading({ tokens, depth, text: plain }) {
        const slug = plain.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
        const times = seen.get(slug) ?? 0;
        seen.set(slug, times + 1);
        return `<h${depth} id="${times ? `${slug}-${times}` : slug}">${this.parser.parseInline(tokens)}</h${depth}>`;
      },
      link({ href, tokens }) {
        const inner = this.parser.parseInline(tokens);
        if (/^https?:/.test(href)) return `<a href="${escaped(href)}" rel="noreferrer">${inner}</a>`;
        const [path = "", anchor = ""] = href.split("#");
        const target = path && posix.normalize(posix.join(folder, path));
        if (target && (target.startsWith("..") || target.startsWith("decisions/") || !target.endsWith(".md"))) return inner;
        return `<a href="${target ? `/dashboard/help/${target.replace(/\.md$/, "")}` : ""}${anchor ? `#${anchor}` : ""}">${inner}</a>`;
      },
      image({ href, text: words }) {
        return `<img data-picture="${escaped(posix.basename(href))}" alt="${escaped(words)}">`;
      },
      table(token) {
        const row = (cells: typeof token.header, tag: string) => `<tr>${cells.map((one) => `<${tag}>${this.parser.parseInline(one.tokens)}</${tag}>`).join("")}</tr>`;
        return `<div class="wide" tabindex="0" role="group" aria-label="Table"><table><thead>${row(token.header, "th")}</thead><tbody>${token.rows.map((one) => row(one, "td")).join("")}</tbody></table></div>`;
      },
      codespan({ text: source }) {
        return `<code>${escaped(source).replace(/([_/])(?=\w)/g, "$1<wbr>")}</code>`; // long names break between their words
      },
      code({ text: source }) {
        return `<pre tabindex="0"><code>${escaped(source)}</code></pre>`;
      },
    },
  });
  return await marked.parse(text);
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

/** The viewer of the OpenAPI document at /docs, from our own server instead of another host's. */
function reference(): Plugin {
  const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  return {
    name: "reference",
    generateBundle() {
      for (const name of REFERENCE) this.emitFile({ type: "asset", fileName: `reference/${name}`, source: readFileSync(join(folder, name)) });
    },
  };
}

export default defineConfig({
  base: "/dashboard/",
  plugins: [documents(), reference(), react(), tailwindcss()],
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false },
  server: { proxy: { "/client": server, "/metrics": server, "/health": server, "/docs": server }, fs: { allow: [".."] } },
});
