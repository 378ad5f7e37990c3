import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  createForeignAuthority,
  type ForeignAuthority,
  type IssueOptions,
} from '../packages/server/src/testing/openssl-ca.ts'
import { repository, run, startTestPlatform, type TestPlatform, until } from './platform.ts'

/**
 * A platform as others reach it: a domain that resolves, Neon's ports, a certificate of the operator's.
 * The names are in an /etc/hosts that only the test's commands see, the ports on a loopback address of
 * their own; both take root.
 */
const address = `127.77.${process.pid % 250}.${1 + (Math.trunc(process.pid / 250) % 250)}`
const domain = 'db.example.test'
const names = [domain, `*.${domain}`]
const isRoot = process.getuid?.() === 0 && process.platform === 'linux'

let directory: string
let authority: ForeignAuthority
let live: { certPath: string; keyPath: string }
let platform: TestPlatform
let endpointId: string
let hostsFile: string

beforeAll(async () => {
  if (!isRoot) return
  directory = await mkdtemp(join(tmpdir(), 'coppice-hosts-'))
  authority = await createForeignAuthority(directory)
  live = { certPath: join(directory, 'live.pem'), keyPath: join(directory, 'live.key') }
  await install({ name: 'first', names })
  platform = await startTestPlatform({
    env: { COPPICE_GATEWAY_WORKERS: '2' },
    flags: [
      `--listen ${address} --port 5432 --pooled-port 6432 --sql-port 443`,
      `--domain ${domain} --tls-cert ${live.certPath} --tls-key ${live.keyPath}`,
    ].flatMap((some) => some.split(' ')),
  })
  endpointId = new URL(platform.connectionUri).hostname.split('.')[0] ?? ''
  hostsFile = join(directory, 'hosts')
  const labels = [endpointId, `${endpointId}-pooler`, 'api', 'apiauth']
  await writeFile(hostsFile, labels.map((label) => `${address} ${label}.${domain}\n`).join(''))
})

afterAll(async () => {
  await platform?.remove()
  if (directory) await rm(directory, { recursive: true, force: true })
})

/** Puts a pair where the platform reads it, as whoever renews certificates does. */
async function install(options: IssueOptions): Promise<void> {
  const made = await authority.issue(options)
  await copyFile(made.certPath, live.certPath)
  await copyFile(made.keyPath, live.keyPath)
}

/** Runs a script of bash where the platform's names resolve. */
async function withNames(script: string): Promise<string> {
  const mount = `mount --bind ${hostsFile} /etc/hosts`
  const env = { ...platform.env, ...trustNothing, URI: platform.connectionUri }
  const args = ['-m', 'bash', '-euo', 'pipefail', '-c', `${mount}\n${script}`]
  return (await run('unshare', args, { env, cwd: repository })).trim()
}

/** What the machine itself may trust is no help to these tests. */
const trustNothing = Object.fromEntries(
  ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'CURL_CA_BUNDLE', 'PGSSLROOTCERT'].map(
    (name) => [name, undefined],
  ),
)

const psql = 'psql -XAtq -v ON_ERROR_STOP=1'

/** By psql, which verifies the host name and binds the login to the certificate that it sees. */
async function askVerified(sql: string, host = '$URI'): Promise<string> {
  const uri = `"$(echo "${host}" | sed s/sslmode=require/sslmode=verify-full/)"`
  return withNames(`PGSSLROOTCERT=${authority.rootPath} ${psql} ${uri} -c "${sql}"`)
}

/** The name in the certificate that one connection is shown. */
async function shownSubject(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: address, port, servername: `${endpointId}.${domain}` }
    const trust = { rejectUnauthorized: false, ALPNProtocols: ['postgresql', 'http/1.1'] }
    const socket = connect({ ...options, ...trust }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

/** Of connections enough to reach both processes of the gateway, on two of its ports. */
async function shownSubjects(): Promise<Set<string>> {
  const ports = Array.from({ length: 16 }, (_, at) => (at % 2 === 0 ? 5432 : 443))
  return new Set(await Promise.all(ports.map(shownSubject)))
}

async function untilShown(name: string): Promise<void> {
  await until(async () => [...(await shownSubjects())].join() === name, `${name} is shown`)
}

async function readDaemonLog(): Promise<string> {
  return readFile(join(platform.home, 'logs', 'daemon.log'), 'utf8')
}

describe.skipIf(!isRoot)('a platform that others reach', () => {
  test('connection strings have the names of the domain, without ports', async () => {
    expect(platform.connectionUri).toContain(
      `@${endpointId}.${domain}/neondb?sslmode=require&channel`,
    )
    const { endpoints } = await platform.client.listProjectEndpoints({
      path: { project_id: platform.projectId },
    })
    expect(endpoints[0]?.host).toBe(`${endpointId}.${domain}`)
  })

  test('psql verifies the operator’s certificate, directly and at the pooled host', async () => {
    expect(await askVerified('select 1')).toBe('1')
    const pooled = '${URI/.db./-pooler.db.}'
    expect(await askVerified('show pool_mode', pooled)).toBe('transaction')
  })

  test('the serverless driver needs no configuration, over HTTP and WebSockets', async () => {
    const script = `
    import { neon, neonConfig, Pool } from '@neondatabase/serverless'
    import { WebSocket } from 'ws'
    neonConfig.webSocketConstructor = WebSocket
    const [row] = await neon(process.env.URI)\`select 1 as n\`
    const pool = new Pool({ connectionString: process.env.URI })
    const { rows } = await pool.query('select 2 as n')
    await pool.end()
    console.log(row.n, rows[0].n)`
    const file = join(repository, 'packages', 'server', `driver-${process.pid}.mjs`)
    await writeFile(file, script)
    try {
      expect(await withNames(`NODE_EXTRA_CA_CERTS=${authority.rootPath} node ${file}`)).toBe('1 2')
    } finally {
      await rm(file)
    }
  })

  test('a renewed certificate is shown without a restart, and sessions go on', async () => {
    const session = withNames(
      `PGSSLROOTCERT=${authority.rootPath} ${psql} "$URI" -c "select pg_sleep(15)" -c "select 'still here'"`,
    )
    const rsa = ['rsa:2048']
    await install({ name: 'second', names, key: rsa, hash: 'sha512' })
    await untilShown('second')
    // The login is bound to the new one: by SHA-512, as its signature.
    expect(await askVerified('select 2')).toBe('2')
    const { certificate } = await platform.client.getPlatformStatus({})
    expect(certificate).toMatchObject({ kind: 'files', file: live.certPath, names, warnings: [] })
    expect(await session).toContain('still here')
  })

  test('a bad file changes nothing, also for processes that start later', async () => {
    await writeFile(live.certPath, 'half a certif')
    const complaint = 'the certificate could not be renewed'
    await until(async () => (await readDaemonLog()).includes(complaint), 'it is logged', 60_000)
    await platform.shell('coppice gateway restart')
    await untilShown('second')
    expect(await askVerified('select 3')).toBe('3')
    expect((await readDaemonLog()).split(complaint)).toHaveLength(2)
  })

  test('a file that cannot be used is refused by up, and nothing changes', async () => {
    await platform.down()
    const other = await authority.issue({ name: 'other', names })
    const flags = `--tls-cert ${other.certPath} --tls-key ${live.keyPath}`
    await expect(platform.shell(`coppice up ${flags}`)).rejects.toThrow('is not that of')
    const expired = await authority.issue({ name: 'expired', names, days: -1 })
    const late = `--tls-cert ${expired.certPath} --tls-key ${expired.keyPath}`
    await expect(platform.shell(`coppice up ${late}`)).rejects.toThrow('has expired')
    const config = await readFile(join(platform.home, 'config.json'), 'utf8')
    expect(JSON.parse(config)).toMatchObject({ tls_cert: live.certPath, tls_key: live.keyPath })
  })

  test('what `ca` prints lets programs verify the platform’s own certificate', async () => {
    await platform.down()
    await platform.shell('coppice up --tls-cert own')
    const { trust } = JSON.parse(await platform.shell('coppice ca -o json')) as {
      trust: Record<string, string>
    }
    const sql = `https://api.${domain}/sql`
    const fetched = `fetch('${sql}', { method: 'OPTIONS' }).then((a) => console.log(a.status))`
    const opened = `import urllib.request as u; print(u.urlopen(u.Request('${sql}', method='OPTIONS')).status)`
    const uses: [way: string, command: string, expected: string][] = [
      ['psql, libpq', `${psql} "\${URI/sslmode=require&/}" -c "select 4"`, '4'],
      ['Node.js', `node -e "${fetched}"`, '200'],
      ['curl', `curl -sS -o /dev/null -w '%{http_code}' -X OPTIONS ${sql}`, '200'],
      ['Python, Go', `python3 -c "${opened}"`, '200'],
    ]
    for (const [way, command, expected] of uses) {
      // libpq verifies nothing unless it is told to.
      const untold = withNames(`export PGSSLMODE=verify-full
${command}`)
      await expect(untold).rejects.toThrow(/certificate|fetch failed/)
      expect([
        way,
        await withNames(`${trust[way]}
${command}`),
      ]).toEqual([way, expected])
    }
    const uri = platform.connectionUri.replace('sslmode=require', trust['connection string'] ?? '')
    expect(await withNames(`${psql} '${uri}' -c "select 5"`)).toBe('5')
    const pem = await platform.shell('coppice ca --print')
    expect(pem).toBe(await readFile(join(platform.home, 'tls', 'ca.crt'), 'utf8'))
  })
})
