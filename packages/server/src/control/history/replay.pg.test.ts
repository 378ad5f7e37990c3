import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { startTestControl, type TestControl } from '../../testing/control.ts'
import { cloneSource, cloneVolume } from '../clone-volume.ts'
import { type BranchRow, requireAnyBranch } from '../store/branches.ts'
import { onPrivateClone } from './private-clone.ts'
import { replay } from './replay.ts'
import { withScratch } from './scratch.ts'

let control: TestControl
let branch: BranchRow

beforeAll(async () => {
  control = await startTestControl()
  const made = await control.client.createProject({ body: { project: {} } })
  branch = await requireAnyBranch(control.context.store, made.branch.id)
})
afterAll(async () => control?.close())

test('what users have written may say what it likes: the log of a replay stays small', async () => {
  const { replayDirectory } = control.context.history
  const log = await onPrivateClone(control.context, branch, undefined, async (cluster) => {
    await cluster.withSuperuser('neondb', async (sql) => {
      await sql`
        do $$ begin
          for i in 1..1000 loop raise log '%', repeat('loud', 256); raise warning 'too'; end loop;
        end $$`
      await expect(sql`select 'loud error'::int`).rejects.toThrow('invalid input syntax')
    })
    const [directory = ''] = await readdir(replayDirectory)
    return readFile(join(replayDirectory, directory, 'postgres.log'), 'utf8')
  })
  expect(log).toContain('ready to accept connections')
  expect(log).not.toContain('loud')
  expect(log.length).toBeLessThan(64 * 1024)
})

test('why a replay does not start is told from its log', async () => {
  const { context } = control
  const started = withScratch(context, async (volumeId) => {
    await cloneVolume(context, await cloneSource(context, branch), volumeId)
    const { defaultPgVersion: pgVersion } = context.settings
    const options = { volumeId, pgVersion, pgSettings: { work_mem: 'much' } }
    return replay(context, options, async () => undefined)
  })
  await expect(started).rejects.toThrow('invalid value for parameter "work_mem"')
})
