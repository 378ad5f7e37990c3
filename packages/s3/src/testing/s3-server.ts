import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

import type { S3Credentials, S3Location } from '../location.ts'

/**
 * A real S3 server on a directory: versitygw (Apache-2.0), built once from the Go module proxy and kept
 * below `node_modules/.cache`.
 */
export interface S3Server {
  /** A place of its own in its bucket. */
  location(prefix?: string): S3Location
  credentials: S3Credentials
  start(): Promise<void>
  /** `kill -9`; `start` brings it back at the same address with all that it had. */
  kill(): Promise<void>
  /** Stops it and removes what it holds. */
  remove(): Promise<void>
}

const version = 'v1.8.0'
const program = `github.com/versity/versitygw/cmd/versitygw@${version}`
const cache = new URL(`../../../../node_modules/.cache/versitygw-${version}/`, import.meta.url)
  .pathname
const binary = join(cache, 'versitygw')
/** It compiles some hundred packages. */
export const s3ServerTimeoutMs = 600_000
const startTimeoutMs = 30_000
const pollMs = 10

const hasGo = spawnSync('go', ['version']).status === 0

/** Why tests with a real S3 are skipped here; undefined where they are not. */
export const whyNoS3Server = hasGo ? undefined : 'Go is not there to build the S3 server with'

async function install(): Promise<void> {
  const isBuilt = await access(binary).then(
    () => true,
    () => false,
  )
  if (isBuilt) return
  await mkdir(cache, { recursive: true })
  const own = await mkdtemp(join(cache, 'build-'))
  try {
    await promisify(execFile)('go', ['install', program], {
      env: { ...process.env, GOBIN: own, GOFLAGS: '', CGO_ENABLED: '0' },
      timeout: s3ServerTimeoutMs - 20_000,
    })
    // Others may build it at the same time: whoever comes last replaces it by the same.
    await rename(join(own, 'versitygw'), binary)
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

export async function startS3Server(): Promise<S3Server> {
  await install()
  const root = await mkdtemp(join(tmpdir(), 'coppice-s3-'))
  const [buckets, metadata] = [join(root, 'buckets'), join(root, 'metadata')]
  const bucket = 'wal-test'
  await mkdir(join(buckets, bucket), { recursive: true })
  await mkdir(metadata)
  const credentials = { accessKeyId: 'test-access', secretAccessKey: 'test-secret-of-s3' }
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  let child: ReturnType<typeof spawn> | undefined

  const start = async (): Promise<void> => {
    const options = ['--quiet', '--keep-alive', '--port', `127.0.0.1:${port}`]
    child = spawn(binary, [...options, 'posix', '--sidecar', metadata, buckets], {
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        ROOT_ACCESS_KEY: credentials.accessKeyId,
        ROOT_SECRET_KEY: credentials.secretAccessKey,
      },
    })
    const deadline = performance.now() + startTimeoutMs
    while (!(await isAnswering(endpoint))) {
      if (performance.now() > deadline) throw new Error('the S3 server does not answer')
      await delay(pollMs)
    }
  }
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  await start()
  return {
    location: (prefix = '') => ({ bucket, prefix, endpoint, region: 'us-east-1' }),
    credentials,
    start,
    kill,
    remove: async () => {
      await kill()
      await rm(root, { recursive: true, force: true })
    },
  }
}

async function isAnswering(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return typeof address === 'object' && address ? address.port : 0
}
