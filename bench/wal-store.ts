import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'

import { startS3Server } from '@coppice/s3/testing/s3-server'

import { createS3Bucket } from '../packages/server/src/history/s3-bucket.ts'
import { createS3WalStore } from '../packages/server/src/history/s3-wal-store.ts'
import { startTestPlatform, type TestPlatform } from '../test/platform.ts'
import { pause, timed } from './client.ts'
import { fillDatabase, socketOf, startLoad } from './load.ts'
import { printHeading, printSummary } from './statistics.ts'

/**
 * Real WAL of three kinds, compressed, and to S3 and back: a server of the same machine, so that what the
 * network adds is not in it. `npm run bench:wal`.
 */
const megabyte = 1024 ** 2
const samples = 48

const platform = await startTestPlatform({ poolSize: '10G' })
const server = await startS3Server()
const scratch = await mkdtemp(join(tmpdir(), 'coppice-bench-'))
try {
  const kinds = await makeWal(platform)
  for (const [kind, paths] of Object.entries(kinds)) {
    await benchGzip(kind, paths.slice(-samples))
    await benchTransfers(kind, paths.slice(-samples))
  }
  await benchList()
} finally {
  await platform.remove()
  await server.remove()
  await rm(scratch, { recursive: true, force: true })
}

/** Segments by what wrote them. */
async function makeWal({ client, home, projectId }: TestPlatform) {
  const { branch } = await client.getProjectBranch({
    path: { project_id: projectId, branch_id: 'main' },
  })
  const { endpoints } = await client.listProjectBranchEndpoints({
    path: { project_id: projectId, branch_id: branch.id },
  })
  const socket = socketOf(platform, endpoints[0]?.id ?? '')
  const directory = join(home, 'pool', 'wal', branch.id)
  const seen = new Set<string>()
  const takeNew = async (): Promise<string[]> => {
    await pause(3000)
    const found = (await readdir(directory)).filter((name) => !seen.has(name)).toSorted()
    for (const name of found) seen.add(name)
    return found.map((name) => join(directory, name))
  }
  await fillDatabase(socket, 20)
  const load = await takeNew()
  const transfers = startLoad(socket, 'saturated')
  await pause(30_000)
  await transfers.stop()
  const oltp = await takeNew()
  const switched: string[] = []
  for (let n = 0; n < 3; n++) {
    await client.createProjectBranch({
      path: { project_id: projectId },
      body: { branch: { name: `at-${n}`, parent_timestamp: new Date().toISOString() } },
    })
    switched.push(...(await takeNew()).slice(-1))
  }
  return { 'bulk load': load, 'TPC-B': oltp, 'ended by a branch of the past': switched }
}

async function benchGzip(kind: string, paths: readonly string[]): Promise<void> {
  printHeading(`${kind}: gzip of ${paths.length} segments, ms each`)
  for (const level of [1, 3, 6]) {
    const times: number[] = []
    const back: number[] = []
    let [whole, packed] = [0, 0]
    for (const path of paths) {
      const content = await readFile(path)
      let made = Buffer.alloc(0)
      times.push(await timed(async () => (made = await promisify(gzip)(content, { level }))))
      back.push(await timed(async () => promisify(gunzip)(made)))
      whole += content.byteLength
      packed += made.byteLength
    }
    printSummary(`level ${level}: to ${((100 * packed) / whole).toFixed(1)} %`, times)
    printSummary('  and back', back)
  }
}

async function benchTransfers(kind: string, paths: readonly string[]): Promise<void> {
  const bucket = createS3Bucket(server.location(randomBytes(6).toString('hex')), server.credentials)
  const store = createS3WalStore(bucket, '')
  const files = await Promise.all(
    paths.map(async (path) => {
      const { size, mtime } = await stat(path)
      return { name: path.split('/').at(-1) ?? '', path, bytes: size, writtenAt: mtime }
    }),
  )
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const calls = {
    put: async (line: string, file: (typeof files)[0]) => store.put(line, file),
    fetch: async (line: string, file: (typeof files)[0]) =>
      store.fetch(line, file, join(scratch, file.name)),
  }
  printHeading(`${kind}: to S3 and back, ms each`)
  for (const [name, call] of Object.entries(calls)) {
    for (const atOnce of [1, name === 'put' ? 4 : 8]) {
      const times: number[] = []
      const total = await timed(async () => {
        for (let from = 0; from < files.length; from += atOnce) {
          const some = files.slice(from, from + atOnce)
          const line = name === 'put' ? `vol-${atOnce}` : 'vol-1'
          await Promise.all(
            some.map(async (file) => times.push(await timed(async () => call(line, file)))),
          )
        }
      })
      const rate = (bytes / megabyte / (total / 1000)).toFixed(0)
      printSummary(`${name}, ${atOnce} at once: ${rate} MB of WAL a second`, times)
    }
  }
}

async function benchList(): Promise<void> {
  const bucket = createS3Bucket(server.location('list'), server.credentials)
  const store = createS3WalStore(bucket, '')
  const path = join(scratch, 'small')
  await writeFile(path, 'x')
  printHeading('list, ms')
  for (const count of [1000, 4000]) {
    for (let from = count === 1000 ? 0 : 1000; from < count; from += 20) {
      const numbers = Array.from({ length: 20 }, (_, index) => from + index)
      await Promise.all(
        numbers.map(async (number) =>
          store.put('vol-1', {
            name: number.toString(16).toUpperCase().padStart(24, '0'),
            path,
            bytes: 2 * megabyte,
            writtenAt: new Date(),
          }),
        ),
      )
    }
    const times: number[] = []
    for (let n = 0; n < 5; n++) times.push(await timed(async () => store.list('vol-1')))
    printSummary(`${count} files (${((count * 2) / 1024).toFixed(0)} GB of WAL)`, times)
  }
}
