import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { findPlatform } from './platform.ts'

let home: string
const none = { apiHost: undefined, apiKey: undefined, projectId: undefined }
const local = 'http://127.0.0.1:7432/api/v2'

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'coppice-testing-'))
  await mkdir(join(home, 'app', 'test'), { recursive: true })
  await writeFile(join(home, 'key'), 'key-of-this-machine\n')
  await writeFile(
    join(home, 'run.json'),
    JSON.stringify({ api_url: local, api_key_file: join(home, 'key'), ca_file: '/ca.pem' }),
  )
})
afterEach(async () => rm(home, { recursive: true }))

const find = async (given: object) =>
  findPlatform({ ...none, homes: ['/nowhere', home], cwd: join(home, 'app', 'test'), ...given })

test('the platform of this machine is found, with its key and authority', async () => {
  expect(await find({})).toEqual({
    apiUrl: local,
    apiKey: 'key-of-this-machine',
    caFile: '/ca.pem',
    projectId: undefined,
    branch: undefined,
  })
})

test('its key goes to no other host', async () => {
  expect(await find({ apiHost: '127.0.0.1:7432' })).toMatchObject({ apiKey: 'key-of-this-machine' })
  await expect(find({ apiHost: 'https://db.example.org' })).rejects.toThrow('set COPPICE_API_KEY')
  expect(await find({ apiHost: 'https://db.example.org/', apiKey: 'own' })).toMatchObject({
    apiUrl: 'https://db.example.org/api/v2',
    apiKey: 'own',
    caFile: undefined,
  })
})

test('a directory above says which project and branch, the environment goes before', async () => {
  await writeFile(join(home, 'app', '.neon'), '{"projectId": "quiet-sea-1", "branch": "dev"}')
  expect(await find({})).toMatchObject({ projectId: 'quiet-sea-1', branch: 'dev' })
  expect(await find({ projectId: 'other' })).toMatchObject({ projectId: 'other' })
})
