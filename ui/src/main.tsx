import { CSPProvider } from "@cloudflare/kumo/primitives/csp-provider";
import { Toasty } from "@cloudflare/kumo/components/toast";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { toasts } from "./parts/states";
import "./styles.css";

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <Toasty toastManager={toasts}>
          <App />
        </Toasty>
      </CSPProvider>
    </StrictMode>,
  );
