import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // The gateway puts a fresh nonce in its place with each answer: src/server/dashboard.ts.
  html: { cspNonce: 'NONCE-OF-THE-ANSWER' },
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    manifest: 'manifest.json',
  },
  // `npx vite dashboard` against a gateway that runs: reloads as you type.
  server: {
    proxy: { '/graphql': { target: process.env.FRONTDESK_URL ?? 'http://127.0.0.1:4000', ws: true } },
  },
});
