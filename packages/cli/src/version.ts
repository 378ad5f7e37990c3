import { createRequire } from 'node:module'

/** As package.json has it, which lies one level above both `src` and `dist`. */
export function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('../package.json')
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return hasVersion ? String(manifest.version) : 'unknown'
}
