// What stands at the top of every page, with or without a session.
import { Button } from "@cloudflare/kumo/components/button";
import { MoonIcon, SunIcon } from "@phosphor-icons/react";
import { useState } from "react";

export function Logo() {
  return (
    <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0f766e" />
      <path d="M7 11h11M7 16h7M7 21h11" stroke="#99f6e4" strokeWidth="2.4" strokeLinecap="round" />
      <path d="M24 22V10m0 0-3.6 3.8M24 10l3.6 3.8" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" strokeLinejoin="round" fill="none" />
    </svg>
  );
}

export function ThemeButton() {
  const [mode, setMode] = useState(document.documentElement.dataset.mode);
  const next = mode === "dark" ? "light" : "dark";
  function turn(): void {
    document.documentElement.dataset.mode = next;
    localStorage.setItem("secondlook.theme", next);
    setMode(next);
  }
  return (
    <Button variant="ghost" shape="square" aria-label={`Use the ${next} theme`} onClick={turn} icon={next === "dark" ? <MoonIcon /> : <SunIcon />} />
  );
}
