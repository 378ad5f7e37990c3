import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { configFilePath, writeConfigFiles } from './config-files.ts'
import { endOrphans } from './orphans.ts'
import { readPidFile } from './pid-file.ts'
import {
  adoptPostmaster,
  type Postmaster,
  type PostmasterOptions,
  startPostmaster,
  stopPostmaster,
} from './postmaster.ts'
import { findProcessesIn, sendSignal } from './processes.ts'
import { connectSuperuser } from './superuser.ts'
import { createWorkbench, eventually, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

const stopOf = (options: PostmasterOptions) => ({
  dataDirectory: options.dataDirectory,
  fastTimeoutMs: 20_000,
})

async function answers(postmaster: Postmaster): Promise<boolean> {
  const sql = connectSuperuser(postmaster.socketDirectory, 'postgres')
  try {
    return (await sql`select 1`).length === 1
  } finally {
    await sql.end({ timeout: 0 })
  }
}

describe.each(majorVersions)('a postmaster of PostgreSQL %d', (majorVersion) => {
  let made = 0

  const prepare = async (
    dataDirectory: string,
    pgSettings: Record<string, string> = {},
  ): Promise<PostmasterOptions> => {
    const installation = bench.installations.find((one) => one.majorVersion === majorVersion)
    if (installation === undefined) throw new Error('it was found before')
    made += 1
    const directory = join(bench.directory, `${majorVersion}-${made}`)
    await mkdir(directory)
    await chmod(directory, 0o711)
    const place = { directory, socketDirectory: join(directory, 's'), user: bench.user }
    const spec = createSpec(dataDirectory, { pgVersion: majorVersion, pgSettings })
    await writeConfigFiles(spec, place, installation)
    return {
      binDirectory: installation.binDirectory,
      dataDirectory,
      configFile: configFilePath(directory),
      logFile: join(directory, 'postgres.log'),
      user: bench.user,
    }
  }

  test('starts, answers, is found again, and stops with nothing left', async () => {
    const options = await prepare(await bench.createCluster(majorVersion))
    expect(await adoptPostmaster(options)).toBeUndefined()
    const started = await startPostmaster(options)
    expect(await answers(started)).toBe(true)
    const adopted = await adoptPostmaster(options)
    expect(adopted).toMatchObject({ pid: started.pid, socketDirectory: started.socketDirectory })
    await stopPostmaster(started.pid, stopOf(options))
    await stopPostmaster(started.pid, stopOf(options))
    await Promise.all([started.exited, adopted?.exited])
    expect(await findProcessesIn(options.dataDirectory)).toEqual([])
    expect(readPidFile(options.dataDirectory)).toBeUndefined()
    expect(await adoptPostmaster(options)).toBeUndefined()
  })

  test.skipIf(process.platform !== 'linux')(
    'runs as the database’s user, in a clean environment',
    async () => {
      const options = await prepare(await bench.createCluster(majorVersion))
      const started = await startPostmaster(options)
      const status = await readFile(`/proc/${started.pid}/status`, 'utf8')
      expect(status).toContain(`Uid:\t${bench.user?.uid ?? process.getuid?.()}\t`)
      const names = (await readFile(`/proc/${started.pid}/environ`, 'utf8'))
        .split('\0')
        .map((line) => line.split('=')[0])
      // PostgreSQL itself adds some PG… and LC_… variables.
      expect(names.filter((name) => name && !/^(PATH|TZ|PG\w+|LC_\w+)$/.test(name))).toEqual([])
      await stopPostmaster(started.pid, stopOf(options))
    },
  )

  test('is not started on another owner’s data', async () => {
    const dataDirectory = await bench.createCluster(majorVersion)
    const first = await prepare(dataDirectory)
    const second = await prepare(dataDirectory)
    const started = await startPostmaster(first)
    for (const attempt of [adoptPostmaster, startPostmaster]) {
      await expect(attempt(second)).rejects.toMatchObject({
        code: 'compute_start_failed',
        message: expect.stringContaining(`process ${started.pid}`),
      })
    }
    expect(await answers(started)).toBe(true)
    await stopPostmaster(started.pid, stopOf(first))
  })

  test('only one of two starts at the same moment succeeds', async () => {
    const dataDirectory = await bench.createCluster(majorVersion)
    const options = [await prepare(dataDirectory), await prepare(dataDirectory)]
    const results = await Promise.allSettled(options.map(startPostmaster))
    const started = results.filter((result) => result.status === 'fulfilled')
    expect(started).toHaveLength(1)
    const [winner] = started
    if (winner === undefined) return
    expect(await answers(winner.value)).toBe(true)
    await stopPostmaster(winner.value.pid, { dataDirectory, fastTimeoutMs: 20_000 })
  })

  test.skipIf(process.platform !== 'linux')(
    'starts again after it was killed under a busy backend',
    async () => {
      const options = await prepare(await bench.createCluster(majorVersion))
      const started = await startPostmaster(options)
      const sql = connectSuperuser(started.socketDirectory, 'postgres')
      await sql`create table public.t as select 1 as id`
      // In a loop of C code the backend does not notice that its postmaster is gone.
      const busy = sql.unsafe(`do $$ begin for i in 1..1000000000 loop perform 1; end loop; end $$`)
      busy.catch(() => undefined)
      await eventually('the backend is there', async () => {
        return (await findProcessesIn(options.dataDirectory)).length > 4
      })
      sendSignal(started.pid, 'SIGKILL')
      await started.exited
      const again = await startPostmaster(options)
      const check = connectSuperuser(again.socketDirectory, 'postgres')
      expect([...(await check`select id from public.t`)]).toEqual([{ id: 1 }])
      await check.end()
      await sql.end({ timeout: 0 })
      await stopPostmaster(again.pid, stopOf(options))
    },
  )

  test('is not deceived by a pid that now belongs to another', async () => {
    const dataDirectory = await bench.createCluster(majorVersion)
    const options = await prepare(dataDirectory)
    const other = await prepare(await bench.createCluster(majorVersion))
    const neighbour = await startPostmaster(other)
    // As after a power cut, when the pid of then is a neighbour's now: the same user, another directory.
    const left = `${neighbour.pid}\n${dataDirectory}\n1\n5432\n/nowhere\n\n  1 1\nready   \n`
    await writeFile(join(dataDirectory, 'postmaster.pid'), left)
    expect(await adoptPostmaster(options)).toBeUndefined()
    await stopPostmaster(neighbour.pid, stopOf(options))
    expect(await answers(neighbour)).toBe(true)
    const started = await startPostmaster(options)
    expect(await answers(started)).toBe(true)
    expect(await answers(neighbour)).toBe(true)
    await stopPostmaster(started.pid, stopOf(options))
    await stopPostmaster(neighbour.pid, stopOf(other))
  })

  test('is not deceived by a dead one that nobody has waited for', async () => {
    const dataDirectory = await bench.createCluster(majorVersion)
    const options = await prepare(dataDirectory)
    // `sleep` is the parent of what the shell has started, and waits for nobody.
    const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], {
      ...(bench.user && { uid: bench.user.uid, gid: bench.user.gid }),
    })
    try {
      const [pid] = await once(parent.stdout.setEncoding('utf8'), 'data')
      const sockets = join(dirname(options.configFile), 's')
      const left = `${pid}${dataDirectory}\n1\n5432\n${sockets}\n\n  1 1\nready   \n`
      await writeFile(join(dataDirectory, 'postmaster.pid'), left)
      await writeFile(join(sockets, '.s.PGSQL.5432.lock'), left)
      const started = await startPostmaster(options)
      expect(await answers(started)).toBe(true)
      await stopPostmaster(started.pid, stopOf(options))
    } finally {
      parent.kill('SIGKILL')
    }
  })

  test('that cannot start says which setting is wrong, soon', async () => {
    const dataDirectory = await bench.createCluster(majorVersion)
    const options = await prepare(dataDirectory, { work_mem: 'banana' })
    const startedAt = performance.now()
    await expect(startPostmaster(options)).rejects.toMatchObject({
      code: 'compute_start_failed',
      message: expect.stringContaining('invalid value for parameter "work_mem": "banana"'),
    })
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(await findProcessesIn(dataDirectory)).toEqual([])
  })

  test('whose child was forked in its last moment leaves none behind', async () => {
    const dataDirectory = await bench.createCluster(majorVersion)
    // Between fork and its own title a child has the postmaster's command line.
    const nascent = spawn(
      process.execPath,
      [
        '-e',
        'setTimeout(() => (process.title = "postgres: io worker 0"), 200); setInterval(() => {}, 1e6)',
      ],
      { argv0: '/usr/lib/postgresql/bin/postgres', cwd: dataDirectory, stdio: 'ignore' },
    )
    await once(nascent, 'spawn')
    await endOrphans(dataDirectory)
    expect(await findProcessesIn(dataDirectory)).toEqual([])
  })

  test('whose data is gone says so', async () => {
    const options = await prepare(join(bench.directory, 'nowhere'))
    await expect(startPostmaster(options)).rejects.toMatchObject({
      code: 'compute_start_failed',
      message: expect.stringContaining('data directory is not there'),
    })
  })

  test('that does not heed a stop is killed with all its children', async () => {
    const options = await prepare(await bench.createCluster(majorVersion))
    const started = await startPostmaster(options)
    sendSignal(started.pid, 'SIGSTOP')
    // Stopped, it takes neither SIGINT nor SIGQUIT.
    await stopPostmaster(started.pid, { ...stopOf(options), fastTimeoutMs: 50 })
    await started.exited
    expect(await findProcessesIn(options.dataDirectory)).toEqual([])
  })
})
