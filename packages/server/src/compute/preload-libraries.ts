import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { hasLibrary, type Installation } from './installations.ts'

/**
 * Libraries that PostgreSQL may load at its start. Each runs with the server's rights, so the list is
 * ours: no background worker that runs SQL as a superuser in a user's database (pg_partman_bgw, pg_cron,
 * timescaledb), nothing that writes statements with passwords to the log (auto_explain, pgaudit).
 */
const descriptions: Readonly<Record<string, string>> = {
  pg_stat_statements: 'Statistics of planning and execution of all statements',
  pg_prewarm: 'Loads tables into the cache, and what was there before a restart',
  pg_hint_plan: 'Hints for the planner in comments',
  pg_wait_sampling: 'Samples what sessions wait for',
}

/** What every compute has unless its project says otherwise. */
export const defaultLibraries: readonly string[] = ['pg_stat_statements']

export const isKnownLibrary = (name: string): boolean => Object.hasOwn(descriptions, name)

export interface AvailableLibrary {
  name: string
  description: string
  isDefault: boolean
  /** Of its extension, as installed; empty where it is no extension. */
  version: string
}

/** Those that an installation has. */
export async function availableLibraries(installation: Installation): Promise<AvailableLibrary[]> {
  const found = await Promise.all(
    Object.entries(descriptions).map(async ([name, description]) => {
      if (!(await hasLibrary(installation, name))) return undefined
      const version = await extensionVersion(installation, name)
      return { name, description, isDefault: defaultLibraries.includes(name), version }
    }),
  )
  return found.filter((library) => library !== undefined)
}

/** `default_version` of its control file (manual, "Extension Files"). */
async function extensionVersion(installation: Installation, name: string): Promise<string> {
  const prefix = dirname(installation.binDirectory)
  const places = [
    join(prefix, 'share', 'extension'),
    join(prefix, 'share', 'postgresql', 'extension'),
    join(prefix, 'share', basename(prefix), 'extension'),
    `/usr/share/postgresql/${installation.majorVersion}/extension`,
    `/usr/share/postgresql${installation.majorVersion}/extension`,
  ]
  for (const place of places) {
    const control = await readFile(join(place, `${name}.control`), 'utf8').catch(() => '')
    const version = /^\s*default_version\s*=\s*'([^']*)'/m.exec(control)?.[1]
    if (version !== undefined) return version
  }
  return ''
}
