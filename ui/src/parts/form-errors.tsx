// What the server refused, shown at the fields: a sentence below each, the first one focused, the rest above the button.
import { Banner } from "@cloudflare/kumo/components/banner";
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { ApiError, type FieldProblem, told } from "../api/client";
import { plural } from "../words";

const Problems = createContext<readonly FieldProblem[]>([]);

/** Whether a problem at ``path`` belongs to the field called ``name``: the path itself, a part of it, or its last word. */
export function belongs(name: string, path: string): boolean {
  return path === name || path.startsWith(`${name}.`) || name.endsWith(`.${path}`);
}

export function useFieldProblem(name: string | undefined): string | undefined {
  const problems = useContext(Problems);
  return name ? problems.find((one) => belongs(name, one.field))?.message : undefined;
}

/** The fields inside show what ``error`` says of them; each has a ``name``, its path in the body of the request. */
export function FieldProblems({ error, title, children }: { error: unknown; title: string; children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const problems = error instanceof ApiError ? error.fields : NONE;
  const [rest, setRest] = useState<string[]>([]);
  useEffect(() => {
    if (!error || !box.current) return setRest([]);
    const fields = [...box.current.querySelectorAll<HTMLElement>("[data-field]")];
    const at = (problem: FieldProblem) => fields.find((one) => belongs(one.dataset.field ?? "", problem.field));
    setRest(problems.length ? problems.filter((one) => !at(one)).map((one) => one.message) : [told(error)]);
    const first = fields.find((one) => problems.some((problem) => belongs(one.dataset.field ?? "", problem.field)));
    first?.querySelector<HTMLElement>("input, textarea, button, [role=combobox]")?.focus();
  }, [error, problems]);
  const shown = problems.length - rest.length;
  return (
    <Problems.Provider value={problems}>
      <div ref={box}>{children}</div>
      {!!error && (
        <div role="alert" className="mt-4">
          <Banner variant="error" title={title} description={[shown > 0 && `Correct ${plural(shown, "field")} above.`, ...rest].filter(Boolean).join(" ")} />
        </div>
      )}
    </Problems.Provider>
  );
}

/** The first step of a form with several whose fields have a problem; ``fields`` has the names of each step. */
export function stepOf(error: unknown, fields: readonly (readonly string[])[]): number | undefined {
  const problems = error instanceof ApiError ? error.fields : NONE;
  const found = fields.findIndex((names) => names.some((name) => problems.some((one) => belongs(name, one.field))));
  return found < 0 ? undefined : found;
}

const NONE: readonly FieldProblem[] = [];
