import { fileURLToPath } from 'node:url'

import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `npm start` has its API; `vite` passes calls on to it, for working on the console. */
const platform = 'http://127.0.0.1:7432'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react()],
  resolve: { conditions: ['source', 'module', 'browser', 'production'] },
  build: {
    outDir: 'dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // A data URL would be inline, and fonts are not in it anyway.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: {
      '/api': { target: platform, changeOrigin: false },
      '/console': { target: platform, changeOrigin: false },
    },
  },
})
