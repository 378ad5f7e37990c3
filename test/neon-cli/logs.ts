import { expect } from 'vitest'

import type { Suite } from './suite.ts'

export function logTests(suite: Suite): void {
  const { neon, json, works } = suite
  works(
    ['logs query', 'logs fields', 'logs field-values'],
    'find what PostgreSQL logged',
    async () => {
      const branch = ['--branch', 'main']
      await expect(neon(['psql', 'main', '--', '-c', 'SELECT never_there'])).rejects.toThrow(
        'never_there',
      )
      expect(await neon(['logs', 'query', ...branch])).toContain('never_there')
      expect(await json<unknown[]>(['logs', 'fields', ...branch])).not.toEqual([])
      expect(await neon(['logs', 'field-values', 'severity_text', ...branch])).toContain('ERROR')
    },
  )
}
