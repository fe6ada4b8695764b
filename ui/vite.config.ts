import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.SECONDLOOK_URL ?? "http://127.0.0.1:8787";

export default defineConfig({
  base: "/dashboard/",
  plugins: [react(), tailwindcss()],
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false },
  server: { proxy: { "/client": server, "/metrics": server, "/health": server } },
});
