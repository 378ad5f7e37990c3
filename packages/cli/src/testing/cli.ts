import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'

import { readConfig } from '../config.ts'
import { run } from '../run.ts'
import { type FakeApi, startFakeApi } from './fake-api.ts'
import { addEndpoint, createWorld, type World } from './fake-world.ts'

export interface Result {
  code: number
  stdout: string
  stderr: string
}

export interface Bench {
  world: World
  api: FakeApi
  /** An empty directory, where commands run. */
  cwd: string
  environment: Record<string, string>
  /** Of the last server program given to `useProgram`. */
  serverProgram: string
  /** Runs a command line in this process. */
  run(...argv: string[]): Promise<Result>
  /** Makes this JavaScript the server's program. */
  useProgram(source: string): Promise<void>
  stop(): Promise<void>
}

/** A CLI with a fake platform behind it: one project, its branch `main`, an endpoint. */
export async function startBench(): Promise<Bench> {
  const world = createWorld()
  const [main] = world.branches
  if (main) addEndpoint(world, main, { type: 'read_write' })
  const api = await startFakeApi(world)
  const cwd = await mkdtemp(join(tmpdir(), 'coppice-cli-'))
  const bench: Bench = {
    world,
    api,
    cwd,
    environment: {
      PATH: process.env['PATH'] ?? '',
      COPPICE_API_HOST: api.url,
      COPPICE_API_KEY: api.key,
      COPPICE_HOME: join(cwd, 'home'),
    },
    serverProgram: join(cwd, 'program.mjs'),
    run: (...argv) => runInProcess(bench, argv),
    useProgram: (source) => writeFile(bench.serverProgram, source),
    async stop() {
      await api.stop()
      await rm(cwd, { recursive: true, force: true })
    },
  }
  return bench
}

async function runInProcess(bench: Bench, argv: readonly string[]): Promise<Result> {
  const [stdout, stderr] = [new Captured(), new Captured()]
  const code = await run(argv, {
    config: readConfig({
      environment: bench.environment,
      cwd: bench.cwd,
      platform: 'linux',
      userHome: join(bench.cwd, 'user'),
      isRoot: false,
    }),
    streams: { stdout, stderr, stdin: {} },
    serverProgram: () => bench.serverProgram,
    retryDelayMs: 5,
  })
  return { code, stdout: stdout.text, stderr: stderr.text }
}

class Captured extends Writable {
  text = ''

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk)
    done()
  }
}
