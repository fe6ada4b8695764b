// Form fields with one look: label above, help below.
import { Input, InputArea } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { Switch } from "@cloudflare/kumo/components/switch";
import { type ReactNode, useId } from "react";

interface Common {
  label: string;
  help?: ReactNode;
  error?: string | undefined;
  disabled?: boolean;
}

export function TextField({ label, help, error, value, onChange, ...rest }: Common & {
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
    <Input
      label={label}
      description={help}
      {...(error && { error, variant: "error" as const })}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      spellCheck={false}
      {...rest}
      className={`w-full ${rest.className ?? ""}`}
    />
  );
}

export function AreaField({ label, help, error, value, onChange, rows = 4, placeholder, disabled }: Common & {
  value: string;
  onChange: (value: string) => void;
  rows?: number;
  placeholder?: string;
}) {
  return (
    <InputArea
      label={label}
      description={help}
      {...(error && { error, variant: "error" as const })}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      rows={rows}
      placeholder={placeholder}
      disabled={disabled}
      className="w-full"
    />
  );
}

export function NumberField({ label, help, error, value, onChange, min, max, step = 1, unit, disabled }: Common & {
  value: number | null;
  onChange: (value: number | null) => void;
  min?: number;
  max?: number;
  step?: number;
  unit?: string;
}) {
  const outside = value !== null && ((min !== undefined && value < min) || (max !== undefined && value > max));
  const wrong = error ?? (outside ? `Give a number from ${min} to ${max}.` : undefined);
  return (
    <Input
      type="number"
      label={unit ? `${label} (${unit})` : label}
      description={help}
      {...(wrong && { error: wrong, variant: "error" as const })}
      value={value ?? ""}
      min={min}
      max={max}
      step={step}
      disabled={disabled}
      onChange={(event) => onChange(event.target.value === "" ? null : Number(event.target.value))}
      className="w-full"
    />
  );
}

export function Toggle({ label, help, checked, onChange, disabled }: Omit<Common, "error"> & { checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <div className="flex flex-col gap-1">
      <Switch label={label} checked={checked} onCheckedChange={onChange} disabled={disabled ?? false} />
      {help && <p className="max-w-prose text-[13px] text-kumo-subtle">{help}</p>}
    </div>
  );
}

export interface Option<V extends string> {
  value: V;
  label: string;
  about?: ReactNode;
  disabled?: boolean;
}

export function Choice<V extends string>({ label, help, value, onChange, options, disabled }: Common & {
  value: V;
  onChange: (value: V) => void;
  options: Option<V>[];
}) {
  return (
    <div className="min-w-0 self-start">
      <Select
        label={label}
        description={help}
        className="w-full"
        value={value}
        disabled={disabled ?? false}
        onValueChange={(next) => next !== null && onChange(next as V)}
        renderValue={(now: unknown) => options.find((one) => one.value === now)?.label ?? String(now)}
      >
        {options.map((one) => (
          <Select.Option key={one.value} value={one.value} disabled={one.disabled ?? false}>
            <span className="flex flex-col py-0.5">
              <span>{one.label}</span>
              {one.about && <span className="text-xs text-kumo-subtle">{one.about}</span>}
            </span>
          </Select.Option>
        ))}
      </Select>
    </div>
  );
}

export function Slider({ label, help, value, onChange, min = 0, max = 1, step = 0.01, shown, disabled }: Common & {
  value: number;
  onChange: (value: number) => void;
  min?: number;
  max?: number;
  step?: number;
  shown?: string;
}) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
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
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      {help && (
        <p id={`${id}-help`} className="text-[13px] text-kumo-subtle">
          {help}
        </p>
      )}
    </div>
  );
}

/** One entry a line. */
export function LinesField({ value, onChange, ...rest }: Common & { value: string[]; onChange: (value: string[]) => void; placeholder?: string; rows?: number }) {
  return <AreaField {...rest} value={value.join("\n")} onChange={(text) => onChange(text.split("\n"))} />;
}
