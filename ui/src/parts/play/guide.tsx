// How to connect a language model: the page of the documentation, opened where it is needed.
import { Button } from "@cloudflare/kumo/components/button";
import { useState } from "react";
import page from "../../../../docs/howto/connect-a-language-model.md?raw";
import { Panel } from "../confirm";
import { Prose } from "./markdown";

const TEXT = page.replace(/^---\n[\s\S]*?\n---\n\s*# .*\n/, "");

export function ConnectModel() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="sm" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        Connect a language model
      </Button>
      {open && (
        <Panel open onClose={() => setOpen(false)} title="Connect a language model">
          <Prose text={TEXT} />
        </Panel>
      )}
    </>
  );
}
