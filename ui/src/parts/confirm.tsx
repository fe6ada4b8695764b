// Dialogs: a question before something is lost, and a panel that shows more.
import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { XIcon } from "@phosphor-icons/react";
import { type ReactNode, useState } from "react";
import { TextField } from "./fields";
import { Failed } from "./states";

export function Panel({ open, onClose, title, about, children, size = "xl" }: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  about?: ReactNode;
  children: ReactNode;
  size?: "sm" | "base" | "lg" | "xl";
}) {
  return (
    <Dialog.Root open={open} onOpenChange={(next: boolean) => !next && onClose()}>
      <Dialog size={size} className="flex max-h-[88vh] w-full flex-col p-0">
        <div className="flex items-start justify-between gap-4 border-b border-kumo-hairline px-6 py-4">
          <div className="min-w-0">
            <Dialog.Title className="text-lg font-semibold break-words">{title}</Dialog.Title>
            {about && <Dialog.Description className="text-kumo-subtle">{about}</Dialog.Description>}
          </div>
          <Dialog.Close
            aria-label="Close"
            render={(props) => <Button {...props} variant="ghost" shape="square" icon={<XIcon />} aria-label="Close" />}
          />
        </div>
        <div className="min-h-0 flex-1 overflow-auto px-6 py-4">{children}</div>
      </Dialog>
    </Dialog.Root>
  );
}

export function Confirm({ open, onClose, title, children, action, run, typed }: {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  action: string;
  run: () => Promise<void>;
  typed?: string;
}) {
  const [busy, setBusy] = useState(false);
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>();
  async function doIt(): Promise<void> {
    setBusy(true);
    setError(undefined);
    try {
      await run();
      onClose();
    } catch (error) {
      setError(error);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Dialog.Root open={open} onOpenChange={(next: boolean) => !next && onClose()}>
      <Dialog size="lg" className="p-6">
        <Dialog.Title className="text-lg font-semibold">{title}</Dialog.Title>
        <Dialog.Description className="mt-2 text-kumo-subtle" render={<div />}>
          {children}
        </Dialog.Description>
        {typed && (
          <div className="mt-4">
            <TextField label={`Type ${typed} to confirm`} value={text} onChange={setText} autoComplete="off" />
          </div>
        )}
        {!!error && (
          <div className="mt-4">
            <Failed error={error} title="That did not work" />
          </div>
        )}
        <div className="mt-6 flex justify-end gap-2">
          <Button variant="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button variant="destructive" loading={busy} disabled={busy || (!!typed && text !== typed)} onClick={doIt}>
            {action}
          </Button>
        </div>
      </Dialog>
    </Dialog.Root>
  );
}
