import { fileURLToPath } from 'node:url'

/** Arguments for `node` that run a script beside this one from its source. */
export function childArguments(script: string, ...args: string[]): string[] {
  const path = fileURLToPath(new URL(script, import.meta.url))
  return ['--conditions=source', `--import=${import.meta.resolve('tsx')}`, path, ...args]
}
