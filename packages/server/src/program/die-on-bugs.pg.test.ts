import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { expect, onTestFinished, test } from 'vitest'

import { findInstallations, startThrowawayPostgres } from '../testing/throwaway-postgres.ts'
import { childArguments } from '../volume/testing/child.ts'

test('a PostgreSQL that dies under a transaction does not end the process', async () => {
  const [installation] = (await findInstallations()).toReversed()
  if (installation === undefined) throw new Error('there is no PostgreSQL here')
  const server = await startThrowawayPostgres(installation)
  onTestFinished(async () => server.stop())
  const script = childArguments('../../program/testing/lost-write-child.ts', server.socketPath)
  const { stdout, stderr } = await promisify(execFile)(process.execPath, script)
  expect(stdout).toContain('CONNECTION_CLOSED')
  // Else the driver has been mended, and this can go.
  expect(stderr).toContain('a connection was lost')
})
