// A button that copies, and says that it did.
import { Button } from "@cloudflare/kumo/components/button";
import { CheckIcon, CopyIcon } from "@phosphor-icons/react";
import { useState } from "react";
import { complain } from "./states";

export function CopyButton({ text, label = "Copy", small = true }: { text: string | (() => string); label?: string; small?: boolean }) {
  const [done, setDone] = useState(false);
  async function copy(): Promise<void> {
    try {
      await toClipboard(typeof text === "string" ? text : text());
      setDone(true);
      setTimeout(() => setDone(false), 1800);
    } catch (error) {
      complain(error);
    }
  }
  return (
    <Button size={small ? "sm" : "base"} variant="secondary" icon={done ? <CheckIcon /> : <CopyIcon />} onClick={copy}>
      <span aria-live="polite">{done ? "Copied" : label}</span>
    </Button>
  );
}

/** Pages over plain HTTP on another host than localhost have no clipboard of their own. */
async function toClipboard(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("The browser blocked copying. Select the text and copy it.");
}
