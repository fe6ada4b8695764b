// Metadata that goes with the files that are added next: the fields of the instance, each with a value of its type.
import { useState } from "react";
import type { MetadataField } from "../api/types";
import { Choice, TextField } from "./fields";
import { Link } from "../router";

export type Metadata = Record<string, string | number | boolean>;
export type Typed = Record<string, string>;

/** The values as the API takes them: empty ones are left out, and what cannot be read is named. */
export function metadataOf(fields: readonly MetadataField[], typed: Typed): { metadata: Metadata; problems: Typed } {
  const metadata: Metadata = {};
  const problems: Typed = {};
  for (const { field_name: name, data_type: type } of fields) {
    const text = (typed[name] ?? "").trim();
    if (!text) continue;
    if (type === "number") {
      if (Number.isFinite(Number(text))) metadata[name] = Number(text);
      else problems[name] = "Enter a number.";
    } else if (type === "boolean") metadata[name] = text === "true";
    else if (type === "datetime") {
      const moment = new Date(text);
      if (Number.isNaN(moment.getTime())) problems[name] = "Enter a date and a time.";
      else metadata[name] = moment.toISOString();
    } else metadata[name] = text;
  }
  return { metadata, problems };
}

export function useMetadata(fields: readonly MetadataField[]) {
  const [typed, setTyped] = useState<Typed>({});
  return { typed, set: (name: string, value: string) => setTyped((before) => ({ ...before, [name]: value })), ...metadataOf(fields, typed) };
}

export function MetadataInputs({ fields, form, home }: { fields: readonly MetadataField[]; form: ReturnType<typeof useMetadata>; home: string }) {
  return (
    <details className="mb-3 rounded-xl border border-kumo-hairline bg-kumo-base px-4 py-1">
      <summary className="flex min-h-9 cursor-pointer items-center font-medium">
        Metadata for these files
        <span className="ml-2 text-[13px] font-normal text-kumo-subtle">{Object.keys(form.metadata).length ? `${Object.keys(form.metadata).length} set` : "optional"}</span>
      </summary>
      {fields.length ? (
        <div className="grid gap-4 py-3 sm:grid-cols-2">
          {fields.map(({ field_name: name, data_type: type }) =>
            type === "boolean" ? (
              <Choice key={name} label={name} value={form.typed[name] ?? ""} onChange={(value) => form.set(name, value)} options={[{ value: "", label: "Not set" }, { value: "true", label: "Yes" }, { value: "false", label: "No" }]} />
            ) : (
              <TextField key={name} label={name} type={type === "datetime" ? "datetime-local" : "text"} value={form.typed[name] ?? ""} onChange={(value) => form.set(name, value)} error={form.problems[name]} />
            ),
          )}
          <p className="text-[13px] text-kumo-subtle sm:col-span-2">Applies to files that you add from now on. Searches can filter by these fields.</p>
        </div>
      ) : (
        <p className="py-3 text-kumo-subtle">
          This instance has no metadata fields. Add some under{" "}
          <Link to={`${home}/settings/chunking`} className="text-kumo-link underline">
            Settings, Chunking
          </Link>
          .
        </p>
      )}
    </details>
  );
}
