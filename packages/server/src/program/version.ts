import { readFileSync } from 'node:fs'

/** Of this package, read once: `src/` and `dist/` lie equally deep. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
).version
