import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Sql } from 'postgres'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { createLog } from '../lib/log.ts'
import { renderLsn } from '../lib/lsn.ts'
import { createDirectoryWalStore } from './directory-wal-store.ts'
import { WalArchiver, type WalSource } from './wal-archiver.ts'
import { renderSegmentName } from './wal-names.ts'
import type { WalStore } from './wal-store.ts'

const segmentBytes = 1024 ** 2
const nameOf = (number: number): string =>
  renderSegmentName({ timeline: 1, number: BigInt(number) }, segmentBytes)

let directory: string
let store: WalStore
/** The segment that the cluster writes to. */
let current: number
/** How often it was asked where it is. */
let asked: number

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archiver-'))
  await mkdir(join(directory, 'pg_wal'))
  store = createDirectoryWalStore(join(directory, 'kept'))
  asked = 0
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

const newArchiver = (): WalArchiver =>
  new WalArchiver({
    store,
    sources: () => [],
    log: createLog({ level: 'silent', toStderr: false }),
  })

/** A cluster that tells where it is. */
const source: WalSource = {
  line: 'line-1',
  get dataDirectory() {
    return directory
  },
  look: async (work) => {
    const sql = async (texts: TemplateStringsArray): Promise<unknown[]> => {
      if (texts.join('').includes('restart_lsn::text')) return [{ restart_lsn: '0/0' }]
      if (!texts.join('').includes('pg_walfile_name')) return []
      asked += 1
      const lsn = renderLsn(BigInt(current * segmentBytes + 100))
      return [{ lsn, file: nameOf(current) }]
    }
    return work(sql as unknown as Sql)
  },
}

async function write(number: number, seconds: number): Promise<void> {
  const path = join(directory, 'pg_wal', nameOf(number))
  await writeFile(path, Buffer.alloc(segmentBytes))
  await utimes(path, seconds, seconds)
}

const kept = async (): Promise<string[]> => (await store.list('line-1')).map(({ name }) => name)

const now = 1_800_000_000

test.each([
  { what: 'the clock goes on', shift: 0 },
  { what: 'the clock is set back', shift: -3600 },
])('every segment is kept once it is finished, where $what', async ({ shift }) => {
  const archiver = newArchiver()
  await write(1, now)
  // An old one that was renamed, as PostgreSQL does.
  await write(2, now - 90)
  current = 1
  await archiver.archive(source)
  for (let number = 2; number <= 5; number++) {
    await write(number, now + shift + number)
    current = number
    await archiver.archive(source)
    expect(await kept()).toEqual(Array.from({ length: number - 1 }, (_, at) => nameOf(at + 1)))
  }
  // Another daemon goes on from what is there.
  await write(6, now + 2 * shift)
  current = 6
  await newArchiver().archive(source)
  expect(await kept()).toHaveLength(5)
})

test('a cluster that stays where it is is asked again only when the next segment has changed', async () => {
  const archiver = newArchiver()
  await write(1, now)
  current = 1
  for (const _ of [1, 2]) await archiver.archive(source)
  expect(asked).toBe(1)
  // Made in advance.
  await write(2, now + 1)
  for (const _ of [1, 2, 3]) await archiver.archive(source)
  expect(asked).toBe(2)
  await write(1, now + 2)
  await archiver.archive(source)
  expect(asked).toBe(2)
})
