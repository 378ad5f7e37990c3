import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from '../testing/cli.ts'

let bench: Bench
let home: string
let caFile: string
beforeEach(async () => {
  bench = await startBench()
  home = join(bench.cwd, 'home')
  caFile = join(home, 'tls', 'ca.crt')
  await mkdir(join(home, 'tls'), { recursive: true })
  const key = join(bench.cwd, 'key')
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const request = ['req', '-x509', ...curve, '-subj', '/CN=Test CA', '-days', '9']
  execFileSync('openssl', [...request, '-keyout', key, '-out', caFile], { stdio: 'ignore' })
})
afterEach(async () => bench.stop())

async function writeRunFile(more: object): Promise<void> {
  const run = { api_url: 'http://127.0.0.1:1', api_key_file: join(home, 'api-key'), ...more }
  await writeFile(join(home, 'run.json'), JSON.stringify(run))
}

test('prints the path alone on stdout, and ways to trust it beside', async () => {
  await writeRunFile({ ca_file: caFile })
  const { code, stdout, stderr } = await bench.run('ca')
  expect([code, stdout]).toEqual([0, `${caFile}\n`])
  expect(stderr).toContain(`export NODE_EXTRA_CA_CERTS=${caFile}`)
  expect(stderr).toContain('update-ca-trust')
})

test('tells programs the fingerprint, the end and each way', async () => {
  await writeRunFile({ ca_file: caFile })
  const { stdout, stderr } = await bench.run('ca', '-o', 'json')
  const answer = JSON.parse(stdout) as Record<string, unknown>
  expect(answer).toMatchObject({
    ca_file: caFile,
    fingerprint_sha256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    trust: { 'Node.js': `export NODE_EXTRA_CA_CERTS=${caFile}` },
  })
  expect(Date.parse(String(answer['expires_at']))).toBeGreaterThan(Date.now())
  expect(stderr).toBe('')
})

test('prints the certificate, also of a platform that does not run', async () => {
  const { code, stdout } = await bench.run('ca', '--print')
  expect([code, stdout]).toEqual([0, await readFile(caFile, 'utf8')])
})

test('says so where the certificate is the operator’s own', async () => {
  await writeRunFile({})
  const { code, stderr } = await bench.run('ca')
  expect(code).toBe(1)
  expect(stderr).toContain('a certificate of your own')
})

test('installs by the server’s program', async () => {
  await bench.useProgram(
    `console.log(JSON.stringify({ file: process.argv.slice(2, 4).join(' ') }))`,
  )
  const { code, stdout } = await bench.run('ca', 'install')
  expect([code, stdout]).toEqual([0, "The system's store holds ca install.\n"])
})
