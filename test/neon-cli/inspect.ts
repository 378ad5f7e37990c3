import { expect } from 'vitest'

import { psql } from '../platform.ts'
import type { Suite } from './suite.ts'

/** What each says of a database in which `noted` was made, filled and read. */
const reports: Record<string, string | RegExp> = {
  'table-sizes': 'noted',
  'index-sizes': 'noted_pkey',
  'unused-indexes': 'noted_spare',
  'seq-scans': 'noted',
  'long-running-queries': 'No long-running queries',
  'stalled-queries': 'No active queries',
  locks: 'No locks',
  outliers: 'SELECT',
  calls: 'SELECT',
  'vacuum-stats': 'noted',
  bloat: /noted|No bloat/,
  // Coppice's own, where the branch keeps history.
  'replication-slots': /coppice_history|No replication slots/,
  subscriptions: 'No subscriptions',
}

const ofSessions = new Set(['long-running-queries', 'stalled-queries', 'locks'])

export function inspectTests(suite: Suite): void {
  const { neon, works, lacks } = suite

  works(
    Object.keys(reports).map((report) => `inspect db ${report}`),
    'read stock PostgreSQL',
    async () => {
      await psql(
        suite.platform.connectionUri,
        `CREATE TABLE noted (id int PRIMARY KEY, note text);
         CREATE INDEX noted_spare ON noted (note);
         INSERT INTO noted SELECT n, repeat('x', 100) FROM generate_series(1, 10000) n;
         SELECT count(*) FROM noted`,
      )
      // By the string alone: they ask nothing of the API that the others do not.
      const uri = (await neon(['connection-string', 'main'])).trim()
      const expectReport = async ([report, expected]: [string, string | RegExp]): Promise<void> => {
        expect(await neon(['inspect', 'db', report, '--db-url', uri])).toMatch(expected)
      }
      const all = Object.entries(reports)
      await Promise.all(all.filter(([report]) => !ofSessions.has(report)).map(expectReport))
      // These would see the others at work.
      for (const one of all.filter(([report]) => ofSessions.has(report))) await expectReport(one)
      expect(await neon(['inspect', 'db', 'table-sizes', '--branch', 'main'])).toMatch('noted')
    },
  )

  const noFileCache = "Neon's local file cache; the kernel caches files here"
  lacks(
    { 'inspect db lfc-hit-rate': noFileCache, 'inspect db working-set': noFileCache },
    async () => {
      const clean = 'needs the "neon" extension, which is not installed'
      await Promise.all([
        expect(neon(['inspect', 'db', 'lfc-hit-rate'])).rejects.toThrow(clean),
        expect(neon(['inspect', 'db', 'working-set'])).rejects.toThrow(clean),
      ])
    },
  )
}
