import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

const locked = { status: 423, code: 'project_locked', message: 'project has running operations' }

test('a locked project is tried again five times', async () => {
  bench.api.failures.push(locked, locked)
  const { code, stderr } = await bench.run('me')
  expect(code).toBe(0)
  expect(stderr).toContain('project has running operations; trying again in 0.005 s (1 of 5)')
  bench.api.failures.push(...Array.from({ length: 6 }, () => locked))
  bench.api.requests.length = 0
  const second = await bench.run('me')
  expect(second.code).toBe(1)
  expect(second.stderr).toMatch(/ERROR: project has running operations\n$/)
  expect(bench.api.requests.length).toBe(6)
})

test.each([
  [{ status: 503, code: 'store_unavailable', message: 'the store is down' }, 3, 2],
  [{ status: 429, code: 'too_many_requests', message: 'slow down' }, 3, 1],
  [{ status: 409, code: 'branch_exists', message: 'it is there' }, 1, 1],
  [{ status: 422, code: 'limit_reached', message: 'no more' }, 1, 1],
  [{ status: 500, code: 'internal', message: 'it broke' }, 1, 2],
  [{ status: 502, code: '', message: 'bad gateway' }, 1, 2],
])(
  'an answer %j is tried and ends with the exit code of the table',
  async (failure, tries, exit) => {
    bench.api.failures.push(failure, failure, failure)
    const { code, stdout, stderr } = await bench.run('me')
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
    expect(stderr).toContain(`ERROR: ${failure.message}`)
    expect(bench.api.requests.length).toBe(tries)
  },
)

test('a wrong key is told with where it came from', async () => {
  bench.environment['COPPICE_API_KEY'] = 'wrong'
  const { code, stderr } = await bench.run('me')
  expect(code).toBe(1)
  expect(stderr).toContain('rejected the API key')
  expect(stderr).toContain('came from COPPICE_API_KEY')
  expect(stderr).not.toContain('wrong')
  const flag = await bench.run('me', '--api-key', 'also-wrong')
  expect(flag.stderr).toContain('came from --api-key')
})

test('an address that nothing answers at is told, with what to do', async () => {
  const url = bench.api.url
  await bench.api.stop()
  const { code, stderr } = await bench.run('me')
  expect(code).toBe(1)
  expect(stderr).toContain(`Could not reach the API at ${url} (ECONNREFUSED)`)
  expect(stderr).toContain('coppice up')
  expect(stderr).not.toContain('    at ')
})

test('the stack is shown only when asked for', async () => {
  bench.api.failures.push({ status: 500, code: 'internal', message: 'it broke' })
  expect((await bench.run('me')).stderr).not.toContain('    at ')
  bench.api.failures.push({ status: 500, code: 'internal', message: 'it broke' })
  expect((await bench.run('me', '--debug')).stderr).toContain('    at ')
})

test.each([['/'], ['///'], ['']])('an address may end with "%s"', async (end) => {
  const host = bench.api.url + end
  expect((await bench.run('me', '--api-host', host)).code).toBe(0)
})

test('an address may lack the base path or the scheme', async () => {
  const host = bench.api.url.replace('/api/v2', '')
  expect((await bench.run('me', '--api-host', host)).code).toBe(0)
  expect((await bench.run('me', '--api-host', host.replace('http://', ''))).code).toBe(0)
})

test("the names of Neon's variables work too", async () => {
  const { COPPICE_API_HOST: host = '', COPPICE_API_KEY: key = '' } = bench.environment
  delete bench.environment['COPPICE_API_HOST']
  delete bench.environment['COPPICE_API_KEY']
  Object.assign(bench.environment, { NEON_API_HOST: host, NEON_API_KEY: key })
  expect((await bench.run('me')).code).toBe(0)
})

async function useLocalPlatform(): Promise<string> {
  const home = join(bench.cwd, 'home')
  await mkdir(home)
  const run = {
    api_url: bench.api.url.replace('/api/v2', ''),
    api_key_file: join(home, 'api-key'),
    ca_file: join(home, 'ca.crt'),
    pid: 1,
  }
  await writeFile(join(home, 'run.json'), JSON.stringify(run))
  await writeFile(join(home, 'api-key'), `${bench.api.key}\n`)
  delete bench.environment['COPPICE_API_HOST']
  delete bench.environment['COPPICE_API_KEY']
  return home
}

test('the platform on this machine is found by its run file', async () => {
  const home = await useLocalPlatform()
  expect((await bench.run('me')).code).toBe(0)
  delete bench.environment['COPPICE_HOME']
  expect((await bench.run('me', '--home', home)).code).toBe(0)
})

test('its key is not sent to another address', async () => {
  await useLocalPlatform()
  expect((await bench.run('me', '--api-host', bench.api.url)).code).toBe(0)
  const { code, stderr } = await bench.run('me', '--api-host', 'http://127.0.0.1:9')
  expect(code).toBe(1)
  expect(stderr).toContain('No API key for http://127.0.0.1:9/api/v2')
})

test('a key that cannot be read is told', async () => {
  const home = await useLocalPlatform()
  const run = { api_url: bench.api.url, api_key_file: home }
  await writeFile(join(home, 'run.json'), JSON.stringify(run))
  const { code, stderr } = await bench.run('me')
  expect(code).toBe(1)
  expect(stderr).toContain(`Cannot read the API key in ${home} (EISDIR)`)
})

test('no platform and no address: the command to start one', async () => {
  delete bench.environment['COPPICE_API_HOST']
  const { code, stderr } = await bench.run('branches', 'list')
  expect(code).toBe(1)
  expect(stderr).toContain('Coppice is not running')
  expect(stderr).toContain('coppice up')
})
