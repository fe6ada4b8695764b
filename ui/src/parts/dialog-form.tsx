// A form in a dialog: refusals at its fields, and it stays open until the server has taken it.
import { Button } from "@cloudflare/kumo/components/button";
import { type FormEvent, type ReactNode, useState } from "react";
import { Panel } from "./confirm";
import { FieldProblems } from "./form-errors";

export function DialogForm({ title, about, action, run, onClose, children, beside, ready = true }: {
  title: string;
  about?: ReactNode;
  action: string;
  /** Sends it; the dialog closes when it is done, and shows what it throws. */
  run: () => Promise<void>;
  onClose: () => void;
  children: ReactNode;
  beside?: ReactNode;
  ready?: boolean;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    event.stopPropagation(); // the dialog may have been opened from another form
    setBusy(true);
    setError(undefined);
    try {
      await run();
      onClose();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Panel open onClose={onClose} title={title} about={about} size="lg">
      <form onSubmit={submit} noValidate>
        <FieldProblems error={error} title="Not saved">
          <div className="flex flex-col gap-5">{children}</div>
        </FieldProblems>
        <div className="mt-6 flex flex-wrap items-center justify-end gap-2">
          {beside && <div className="mr-auto">{beside}</div>}
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" loading={busy} disabled={busy || !ready}>
            {action}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
