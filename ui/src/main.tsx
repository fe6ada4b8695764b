import { CSPProvider } from "@cloudflare/kumo/primitives/csp-provider";
import { Toasty } from "@cloudflare/kumo/components/toast";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { exchangeCode } from "./api/calls";
import { App } from "./app";
import { toasts } from "./parts/states";
import { beginSession } from "./session";
import "./styles.css";

const root = document.getElementById("root");
if (root) {
  await beginSession(exchangeCode);
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <Toasty toastManager={toasts}>
          <App />
        </Toasty>
      </CSPProvider>
    </StrictMode>,
  );
}
