import { spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress, createBrotliDecompress } from 'node:zlib'

import { run } from '../platform.ts'

/**
 * The state directory of a release as it was left by `coppice down`: its store, its keys, what it
 * remembers, and its volumes in a pool of full copies. Brotli with a window larger than all of it, since
 * what volumes share is most of them.
 */
export interface Fixture {
  release: string
  pg_version: number
  state_version: number
  project_id: string
  api_key: string
  /** By the branch's name, with the ports of then. */
  connection_uris: Record<string, string>
  /** What `facts` answers on each branch. */
  facts: Record<string, string>
}

export const fixtures = new URL('fixtures/', import.meta.url).pathname

export const facts = `SELECT count(*) || ' ' || md5(string_agg(n || m, ',' ORDER BY n)) FROM facts`

export const fixtureFile = (release: string): string => join(fixtures, `${release}.tar.br`)

const windowBits = 28

/** Some minutes. */
export async function packFixture(home: string, names: readonly string[], release: string) {
  const tar = spawn('tar', ['-C', home, '--sort=name', '-cf', '-', ...names], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const brotli = createBrotliCompress({
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LARGE_WINDOW]: 1,
      [constants.BROTLI_PARAM_LGWIN]: windowBits,
    },
  })
  await pipeline(tar.stdout, brotli, createWriteStream(fixtureFile(release)))
}

export async function unpackFixture(release: string, home: string): Promise<void> {
  const brotli = createBrotliDecompress({
    params: { [constants.BROTLI_DECODER_PARAM_LARGE_WINDOW]: 1 },
  })
  // By way of a file: tar leaves off at the end of the archive, which may be before that of the stream.
  const archive = `${home}.tar`
  await pipeline(createReadStream(fixtureFile(release)), brotli, createWriteStream(archive))
  await run('tar', ['-C', home, '--no-same-owner', '-xpf', archive])
  await rm(archive)
}
