// Form fields with one look: label above, help below.
import { Input, InputArea } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { Switch } from "@cloudflare/kumo/components/switch";
import { type ReactNode, useId } from "react";
import { useFieldProblem } from "./form-errors";

interface Common {
  label: string;
  /** Its path in the body of the request: the server's refusals of it are shown here. */
  name?: string | undefined;
  help?: ReactNode;
  error?: string | undefined;
  disabled?: boolean;
}

/** Where a refusal of the field finds it. */
function At({ name, children, className = "" }: { name: string | undefined; children: ReactNode; className?: string }) {
  return (
    <div data-field={name} className={`min-w-0 ${className}`}>
      {children}
    </div>
  );
}

/** Help and refusal, both described to screen readers: the components show one of the two alone. */
function useProblem(name: string | undefined, error: string | undefined) {
  const found = useFieldProblem(name);
  const problem = error ?? found;
  return problem ? { error: problem, "aria-invalid": true } : {};
}

export function TextField({ label, name, help, error, value, onChange, ...rest }: Common & {
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  type?: string;
  autoFocus?: boolean;
  required?: boolean;
  autoComplete?: string;
  className?: string;
}) {
  return (
    <At name={name}>
      <Input
        label={label}
        description={help}
        {...useProblem(name, error)}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        spellCheck={false}
        {...rest}
        className={`w-full ${rest.className ?? ""}`}
      />
    </At>
  );
}

export function AreaField({ label, name, help, error, value, onChange, rows = 4, placeholder, disabled }: Common & {
  value: string;
  onChange: (value: string) => void;
  rows?: number;
  placeholder?: string;
}) {
  return (
    <At name={name}>
      <InputArea
        label={label}
        description={help}
        {...useProblem(name, error)}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        rows={rows}
        placeholder={placeholder}
        disabled={disabled}
        className="w-full"
      />
    </At>
  );
}

export function NumberField({ label, name, help, error, value, onChange, min, max, step = 1, unit, disabled }: Common & {
  value: number | null;
  onChange: (value: number | null) => void;
  min?: number;
  max?: number;
  step?: number;
  unit?: string;
}) {
  const outside = value !== null && ((min !== undefined && value < min) || (max !== undefined && value > max));
  const problem = useProblem(name, error ?? (outside ? rangeOf(min, max) : undefined));
  return (
    <At name={name}>
      <Input
        type="number"
        label={unit ? `${label} (${unit})` : label}
        description={help}
        {...problem}
        value={value ?? ""}
        min={min}
        max={max}
        step={step}
        disabled={disabled}
        onChange={(event) => onChange(event.target.value === "" ? null : Number(event.target.value))}
        className="w-full"
      />
    </At>
  );
}

function rangeOf(min: number | undefined, max: number | undefined): string {
  if (max === undefined) return `Enter ${min} or more.`;
  return min === undefined ? `Enter ${max} or less.` : `Enter a number from ${min} to ${max}.`;
}

export function Toggle({ label, name, help, checked, onChange, disabled }: Omit<Common, "error"> & { checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <At name={name} className="flex flex-col gap-1">
      <Switch label={label} checked={checked} onCheckedChange={onChange} disabled={disabled ?? false} />
      {help && <p className="max-w-prose text-[13px] text-kumo-subtle">{help}</p>}
      <Problem name={name} />
    </At>
  );
}

/** For what has no place of its own for a refusal. */
function Problem({ name, id }: { name: string | undefined; id?: string }) {
  const found = useFieldProblem(name);
  return found ? <p id={id} className="text-sm text-kumo-danger">{found}</p> : null;
}

/** The list shows nothing for an empty value, which here is a choice like any other. */
const NONE = "\u0000none";

export interface Option<V extends string> {
  value: V;
  label: string;
  about?: ReactNode;
  disabled?: boolean;
}

export function Choice<V extends string>({ label, name, help, error, value, onChange, options, disabled }: Common & {
  value: V;
  onChange: (value: V) => void;
  options: Option<V>[];
}) {
  const found = useFieldProblem(name);
  const problem = error ?? found;
  return (
    <At name={name} className="self-start">
      <Select
        label={label}
        description={help}
        {...(problem && { error: problem })}
        className="w-full"
        value={value || NONE}
        disabled={disabled ?? false}
        onValueChange={(next) => next !== null && onChange((next === NONE ? "" : next) as V)}
        renderValue={(now: unknown) => options.find((one) => (one.value || NONE) === now)?.label ?? String(now)}
      >
        {options.map((one) => (
          <Select.Option key={one.value} value={one.value || NONE} disabled={one.disabled ?? false}>
            <span className="flex flex-col py-0.5">
              <span>{one.label}</span>
              {one.about && <span className="text-xs text-kumo-subtle">{one.about}</span>}
            </span>
          </Select.Option>
        ))}
      </Select>
    </At>
  );
}

export function Slider({ label, name, help, value, onChange, min = 0, max = 1, step = 0.01, shown, disabled }: Common & {
  value: number;
  onChange: (value: number) => void;
  min?: number;
  max?: number;
  step?: number;
  shown?: string;
}) {
  const id = useId();
  const wrong = useFieldProblem(name) !== undefined;
  return (
    <At name={name} className="flex flex-col gap-1">
      <div className="flex items-baseline justify-between gap-2">
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        <output htmlFor={id} className="mono text-[13px] tabular-nums">
          {shown ?? value.toFixed(2)}
        </output>
      </div>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        disabled={disabled}
        aria-invalid={wrong || undefined}
        aria-describedby={[help && `${id}-help`, wrong && `${id}-problem`].filter(Boolean).join(" ") || undefined}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      {help && (
        <p id={`${id}-help`} className="text-[13px] text-kumo-subtle">
          {help}
        </p>
      )}
      <Problem name={name} id={`${id}-problem`} />
    </At>
  );
}

/** One entry a line. */
export function LinesField({ value, onChange, ...rest }: Common & { value: string[]; onChange: (value: string[]) => void; placeholder?: string; rows?: number }) {
  return <AreaField {...rest} value={value.join("\n")} onChange={(text) => onChange(text.split("\n"))} />;
}
