import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'

// Each test starts a Node or two, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

const ready = {
  event: 'ready',
  api_url: 'http://127.0.0.1:7432',
  api_key_file: '/srv/coppice/api-key',
  console_url: 'http://127.0.0.1:7432/',
  connection_uri: 'postgresql://neondb_owner:secret@ep-x.localhost:5432/neondb?sslmode=require',
  project_id: 'quiet-sea-00000001',
  domain: 'localhost',
  direct_port: 5432,
  pooled_port: 6432,
  sql_port: 8443,
  ca_file: '/srv/coppice/tls/ca.crt',
  home: '/srv/coppice',
  postgres_version: '18.4',
  pool: { driver: 'copy', path: '/srv/coppice/pool', warning: 'Branches are whole copies here.' },
  already_running: false,
  notes: ['Port 5432 was taken.'],
}

/** A program that says what it was given and then `lines`, and stays where told to. */
function program(lines: unknown[], end: string): string {
  return `import { writeFileSync } from 'node:fs'
process.on('SIGTERM', () => process.exit(0))
writeFileSync(${JSON.stringify(join(bench.cwd, 'argv'))}, JSON.stringify([process.pid, process.argv.slice(2)]))
for (const line of ${JSON.stringify(lines)}) console.log(JSON.stringify(line))
${end}
`
}

async function given(): Promise<[pid: number, argv: string[]]> {
  return JSON.parse(await readFile(join(bench.cwd, 'argv'), 'utf8'))
}

/** Ends the program that a test left running in the background. */
async function endProgram(): Promise<void> {
  const [pid] = await given()
  process.kill(pid, 'SIGTERM')
  const deadline = Date.now() + 5000
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error('the program does not end')
    await delay(10)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('up shows the steps, then the screen, and leaves the platform running', async () => {
  const steps = [{ event: 'step', message: 'Preparing PostgreSQL 18.4' }, ready]
  await bench.useProgram(program(steps, 'setInterval(() => undefined, 1000)'))
  const flags = ['--port', '5433', '--pooled-port', '6433', '--api-port', '7433', '--size', '50G']
  const { code, stdout, stderr } = await bench.run('up', ...flags, '--home', '/srv/x/../coppice')
  try {
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Preparing PostgreSQL 18.4\n' })
    for (const part of [
      'Coppice is running.',
      'http://127.0.0.1:7432',
      '/srv/coppice/api-key',
      ready.connection_uri,
      'Note: Branches are whole copies here.',
      'Note: Port 5432 was taken.',
      'coppice branches create --name dev',
    ]) {
      expect(stdout).toContain(part)
    }
    const [pid, argv] = await given()
    expect(isAlive(pid)).toBe(true)
    expect(argv.join(' ')).toBe(
      'serve --json --detached --port 5433 --pooled-port 6433 --api-port 7433 --pool-size 50G --home /srv/coppice',
    )
  } finally {
    await endProgram()
  }
})

test('up says when the platform runs already, and can answer in JSON', async () => {
  await bench.useProgram(program([{ ...ready, already_running: true }], ''))
  expect((await bench.run('up')).stdout).toContain('Coppice is running already.')
  const { stdout } = await bench.run('up', '-o', 'json')
  expect(JSON.parse(stdout)).toMatchObject({ project_id: ready.project_id })
})

test('up --foreground stays until the platform ends and answers its exit code', async () => {
  await bench.useProgram(program([ready], 'setTimeout(() => process.exit(7), 100)'))
  const { code, stdout } = await bench.run('up', '--foreground')
  expect(code).toBe(7)
  expect(stdout).toContain('Coppice is running.')
  expect((await given())[1]).not.toContain('--detached')
})

test('up tells the error of a platform that cannot start', async () => {
  const error = { code: 'limit_reached', message: 'port 5432 is taken by another program' }
  await bench.useProgram(program([{ error }], ''))
  const { code, stderr } = await bench.run('up')
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'ERROR: port 5432 is taken by another program\n',
  })
})

test('up shows the end of the log of a platform that dies', async () => {
  await mkdir(join(bench.cwd, 'home', 'logs'), { recursive: true })
  await writeFile(join(bench.cwd, 'home', 'logs', 'daemon.log'), 'disk is on fire\n')
  await bench.useProgram(program([{ event: 'step', message: 'one' }], 'process.exit(9)'))
  const silent = await bench.run('up')
  expect(silent.code).toBe(2)
  expect(silent.stderr).toContain('ended before it was ready (exit code 9)')
  expect(silent.stderr).toContain('disk is on fire')
  await bench.useProgram(program([], 'throw new Error("no such thing")'))
  expect((await bench.run('up')).stderr).toContain('no such thing')
})

test('gateway shows its processes, and that there may be none', async () => {
  const worker = { pid: 4711, state: 'draining', sessions: 3, memory_bytes: 2 ** 26 }
  await bench.useProgram(program([{ workers: [worker] }], ''))
  const { stdout } = await bench.run('gateway', 'restart')
  expect(stdout).toMatch(/4711 +draining +3 +64\.0 MB/)
  expect((await given())[1]?.slice(0, 2)).toEqual(['gateway', 'restart'])
  await bench.useProgram(program([{ workers: [] }], ''))
  expect((await bench.run('gateway', 'status')).stdout).toContain('own process')
})

test('doctor shows a mark and advice, and fails when a check does', async () => {
  const checks = [
    { name: 'PostgreSQL', status: 'ok', detail: '18.4 from npm' },
    { name: 'Storage', status: 'warn', detail: 'copies', advice: 'coppice pool create --size 50G' },
  ]
  await bench.useProgram(program([{ checks }], ''))
  const well = await bench.run('doctor')
  expect(well).toEqual({
    code: 0,
    stderr: '',
    stdout: [
      '✔ PostgreSQL  18.4 from npm',
      '! Storage     copies',
      '    coppice pool create --size 50G',
      '',
      'Coppice can run here; 1 of 2 things could be better.',
      '',
    ].join('\n'),
  })
  const failed = { name: 'Ports', status: 'fail', detail: '5432 is taken' }
  await bench.useProgram(program([{ checks: [...checks, failed] }], 'process.exitCode = 1'))
  const ill = await bench.run('doctor', '--home', '/srv/x')
  expect(ill.code).toBe(1)
  expect(ill.stdout).toContain('✖ Ports')
  expect((await given())[1]).toEqual(['doctor', '--json', '--home', '/srv/x'])
})

test('pool shows what it made', async () => {
  const pool = {
    driver: 'btrfs',
    path: '/srv/pool',
    total_bytes: 50 * 1024 ** 3,
    free_bytes: 49.5 * 1024 ** 3,
  }
  await bench.useProgram(program([pool], ''))
  const { stdout } = await bench.run('pool', 'create', '--size', '50G')
  expect(stdout).toBe('Driver  btrfs\nPath    /srv/pool\nSize    50.0 GB\nFree    49.5 GB\n')
  expect((await given())[1]).toEqual(['pool', 'create', '--size', '50G', '--json'])
  expect((await bench.run('pool', 'create')).stderr).toContain("'--size <size>' not specified")
  expect((await bench.run('pool', 'grow', '--size', 'large')).code).toBe(1)
})

test('down says whether anything ran', async () => {
  await bench.useProgram(program([{ stopped: true }], ''))
  expect((await bench.run('down', '--keep-computes')).stdout).toBe('Coppice has stopped.\n')
  expect((await given())[1]).toEqual(['down', '--keep-computes', '--json'])
  await bench.useProgram(program([{ stopped: false }], ''))
  expect((await bench.run('down')).stdout).toBe('Coppice was not running.\n')
})

test('a program that says nothing fails with its stderr', async () => {
  await bench.useProgram('process.stderr.write("cannot\\n"); process.exitCode = 1')
  const { code, stderr } = await bench.run('down')
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'ERROR: `down` failed: cannot\n' })
})
