import { env } from 'node:process'

import { defineConfig } from 'vitest/config'

import { ClosingLine } from './vitest.reporter.ts'

// The suffix of a test says what it needs: `.test.ts` nothing, `.pg.test.ts` real PostgreSQL binaries,
// `.e2e.test.ts` a whole platform. Processes and volumes are real, so the last two get time.
// Real processes on a shared machine can be starved for seconds. There a test may try once more, and is named at
// the end; what fails twice has failed, and where people work nothing is tried again.
const retry = env['CI'] ? 1 : 0
const expect = { poll: { timeout: 15_000 } }
const sources = ['packages/*/src/**']

export default defineConfig({
  ssr: { resolve: { conditions: ['source', 'node', 'default'] } },
  resolve: { conditions: ['source'] },
  test: {
    reporters: ['default', new ClosingLine()],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [...sources, 'test/trust'].map((path) => `${path}/*.test.ts`),
          exclude: ['**/*.pg.test.ts', '**/*.e2e.test.ts', '**/node_modules/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'pg',
          include: sources.map((path) => `${path}/*.pg.test.ts`),
          retry,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          expect,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          // Before the others, since its longest file takes longest of all.
          name: 'trust',
          include: ['test/trust/*.e2e.test.ts'],
          retry,
          testTimeout: 180_000,
          hookTimeout: 300_000,
          expect,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/*.e2e.test.ts'],
          globalSetup: 'test/install-clients.ts',
          retry,
          testTimeout: 180_000,
          hookTimeout: 300_000,
          expect,
          // Each file has a platform of its own.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
