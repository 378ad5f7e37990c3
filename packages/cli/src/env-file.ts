import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { CliError } from './errors.ts'
import { errnoOf } from './platform.ts'

/** Passwords stand in it. */
const ownerOnly = 0o600

/** The file that was named, else `.env` where there is one, else `.env.local`. */
export function envFilePath(directory: string, given: string | undefined): string {
  if (given !== undefined) return resolve(directory, given)
  const common = join(directory, '.env')
  return existsSync(common) ? common : join(directory, '.env.local')
}

/** Sets variables in a file and leaves every other line as it is. */
export function writeEnvFile(path: string, values: Readonly<Record<string, string>>): void {
  try {
    const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
    writeFileSync(path, setVariables(before, values), { mode: ownerOnly })
  } catch (error) {
    throw new CliError(`Cannot write ${path} (${errnoOf(error) ?? 'error'}).`, { cause: error })
  }
}

/** The text of such a file with variables set: each where it stands first, new ones at the end. */
export function setVariables(text: string, values: Readonly<Record<string, string>>): string {
  const left = new Map(Object.entries(values))
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  const kept = lines.flatMap((line) => {
    const [, start = '', name = ''] = /^(\s*(?:export\s+)?)([A-Za-z_]\w*)\s*=/.exec(line) ?? []
    if (!Object.hasOwn(values, name)) return [line]
    const value = left.get(name)
    left.delete(name)
    // A second line of the name would win over the first, as these files are read.
    return value === undefined ? [] : [`${start}${name}=${quote(value)}`]
  })
  const added = [...left].map(([name, value]) => `${name}=${quote(value)}`)
  const all = [...kept, ...added]
  return all.length === 0 ? '' : `${all.join('\n')}\n`
}

/** Shells and the readers of such files agree on plain words and on double quotes. */
function quote(value: string): string {
  if (/^[\w@%+:,./~-]*$/.test(value)) return value
  return `"${value.replaceAll(/["\\$`]/g, '\\$&')}"`
}
