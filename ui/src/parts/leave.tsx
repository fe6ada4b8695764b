// The question before a page with something unsaved is left.
import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { useLeaving } from "../router";

export function LeaveDialog() {
  const [leaving, answer] = useLeaving();
  return (
    <Dialog.Root open={leaving !== null} onOpenChange={(next: boolean) => !next && answer("stay")}>
      <Dialog size="lg" className="p-6">
        <Dialog.Title className="text-lg font-semibold">{leaving?.guard.title}</Dialog.Title>
        <Dialog.Description className="mt-2 text-kumo-subtle">{leaving?.guard.text}</Dialog.Description>
        <div className="mt-6 flex flex-wrap justify-end gap-2">
          <Button variant="secondary" onClick={() => answer("stay")}>
            Keep editing
          </Button>
          <Button variant="destructive" onClick={() => answer("discard")}>
            Discard
          </Button>
          {leaving?.guard.keeps && (
            <Button variant="primary" onClick={() => answer("leave")}>
              Leave
            </Button>
          )}
        </div>
      </Dialog>
    </Dialog.Root>
  );
}
