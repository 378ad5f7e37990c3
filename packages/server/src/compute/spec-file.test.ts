import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { readSpec, writeSpec } from './spec-file.ts'
import { createSpec } from './testing/spec.ts'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coppice-spec-'))
})
afterAll(async () => rm(directory, { recursive: true, force: true }))

test('a spec is read as it was written', async () => {
  const spec = createSpec('/data', {
    allowedIps: ['192.0.2.1'],
    poolerSettings: { pool_mode: 'session' },
    logicalReplication: true,
    preloadLibraries: ['pg_prewarm'],
    blockPublicConnections: true,
  })
  await writeSpec(directory, spec)
  expect(await readSpec(directory)).toEqual(spec)
})

test('a spec from before a field was added reads as if it said nothing of it', async () => {
  const {
    allowedIps: _a,
    poolerSettings: _p,
    logicalReplication: _l,
    preloadLibraries: _r,
    blockPublicConnections: _b,
    ...old
  } = createSpec('/data')
  await writeFile(join(directory, 'spec.json'), JSON.stringify(old))
  expect(await readSpec(directory)).toEqual(createSpec('/data'))
})

test.each(['null', '[]', '{}', '{"endpointId":7}', '"text"'])('%s is no spec', async (text) => {
  await writeFile(join(directory, 'spec.json'), text)
  await expect(readSpec(directory)).rejects.toThrow("is not a compute's spec")
})
