/**
 * A certificate authority of the installation's own, and the server certificate it signs, so that
 * `sslmode=verify-full` works from the first start: clients are given `ca.crt` once, and server
 * certificates change without them noticing. `openssl` does the work; keys are in files that only
 * their owner reads, never in arguments.
 */
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import { exec } from '../lib/exec.ts'
import { writeFileAtomically } from '../lib/files.ts'
import { canonicalName, type CertificateFiles, namesOf } from './certificate-pair.ts'

export interface CertificateOptions {
  /** Holds `ca.crt`, `ca.key`, `server.crt` and `server.key`; made where it is missing. */
  directory: string
  domain: string
  /** Host names and IP addresses by which clients reach this machine as well. */
  extraNames?: readonly string[]
}

export interface CertificatePaths extends CertificateFiles {
  caPath: string
}

const caDays = 3650
/** Apple's platforms refuse more than 825, roots of one's own included. */
const serverDays = 820
const dayMs = 86_400_000
/** Whoever looks once a month never runs out. */
const renewBeforeMs = 30 * dayMs
const publicMode = 0o644

/**
 * Makes what is missing and replaces what is nearly over, belongs to other names or to another CA.
 * Idempotent; rejects where `openssl` is missing or a name can stand in no certificate.
 */
export async function ensureCertificates(options: CertificateOptions): Promise<CertificatePaths> {
  const { directory, domain, extraNames = [] } = options
  const names = certificateNames(domain, extraNames)
  const files = {
    caPath: join(directory, 'ca.crt'),
    caKeyPath: join(directory, 'ca.key'),
    certPath: join(directory, 'server.crt'),
    keyPath: join(directory, 'server.key'),
  }
  await mkdir(directory, { recursive: true, mode: 0o755 })
  if (!(await isAuthorityGood(files))) await issueAuthority(files, directory)
  if (!(await isServerGood(files, names))) await issueServer(files, directory, names)
  return { caPath: files.caPath, certPath: files.certPath, keyPath: files.keyPath }
}

type Files = CertificatePaths & { caKeyPath: string }

function certificateNames(domain: string, extraNames: readonly string[]): string[] {
  const names = [domain, `*.${domain}`, 'localhost', '127.0.0.1', '::1', ...extraNames]
  const unfit = names.find((name) => isIP(name) === 0 && !hostNamePattern.test(name))
  if (unfit !== undefined) throw new Error(`${unfit} is no host name and no IP address`)
  return [...new Set(names.map(canonicalName))]
}

const hostNamePattern =
  /^(?:\*\.)?[a-z0-9_](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i

async function isAuthorityGood({ caPath, caKeyPath }: Files): Promise<boolean> {
  const [certificate, key] = await Promise.all([readCertificate(caPath), readIfThere(caKeyPath)])
  return isGoodPair(certificate, key)
}

async function isServerGood(files: Files, names: readonly string[]): Promise<boolean> {
  const [authority, certificate, key] = await Promise.all([
    readCertificate(files.caPath),
    readCertificate(files.certPath),
    readIfThere(files.keyPath),
  ])
  if (authority === undefined || certificate === undefined) return false
  const issued = namesOf(certificate)
  return (
    isGoodPair(certificate, key) &&
    certificate.verify(authority.publicKey) &&
    issued.length === names.length &&
    names.every((name) => issued.includes(name))
  )
}

/** Whether both are there, belong together (a crash may come between the two) and last a while. */
function isGoodPair(certificate?: X509Certificate, key?: Buffer): boolean {
  if (certificate === undefined || key === undefined) return false
  const leftMs = Date.parse(certificate.validTo) - Date.now()
  return leftMs > renewBeforeMs && certificate.checkPrivateKey(createPrivateKey(key))
}

async function issueAuthority(files: Files, directory: string): Promise<void> {
  await writeFileAtomically(files.caKeyPath, await newKey())
  const certificate = await withConfig(directory, authorityConfig, async (configPath) =>
    openssl([
      'req',
      '-x509',
      '-new',
      '-sha256',
      '-days',
      String(caDays),
      '-set_serial',
      newSerial(),
      '-key',
      files.caKeyPath,
      '-config',
      configPath,
    ]),
  )
  await writeFileAtomically(files.caPath, certificate, publicMode)
}

async function issueServer(
  files: Files,
  directory: string,
  names: readonly string[],
): Promise<void> {
  await writeFileAtomically(files.keyPath, await newKey())
  const certificate = await withConfig(directory, serverConfig(names), async (configPath) => {
    const request = await openssl([
      'req',
      '-new',
      '-sha256',
      '-key',
      files.keyPath,
      '-config',
      configPath,
    ])
    return openssl(
      [
        'x509',
        '-req',
        '-sha256',
        '-days',
        String(serverDays),
        '-set_serial',
        newSerial(),
        '-CA',
        files.caPath,
        '-CAkey',
        files.caKeyPath,
        '-extfile',
        configPath,
        '-extensions',
        'extensions',
      ],
      request,
    )
  })
  await writeFileAtomically(files.certPath, certificate, publicMode)
}

async function newKey(): Promise<string> {
  return openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'])
}

/** 127 random bits, positive (RFC 5280 section 4.1.2.2). */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0)
  return `0x${bytes.toString('hex')}`
}

async function openssl(args: readonly string[], input = ''): Promise<string> {
  return exec('openssl', args, { input })
}

const authorityConfig = `[req]
distinguished_name = subject
prompt = no
x509_extensions = extensions
[subject]
CN = Coppice CA
[extensions]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`

function serverConfig(names: readonly string[]): string {
  const alternatives = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`)
  return `[req]
distinguished_name = subject
prompt = no
[subject]
CN = Coppice
[extensions]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = ${alternatives.join(', ')}
`
}

/** OpenSSL reads extensions from files only. */
async function withConfig<T>(
  directory: string,
  config: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(join(directory, '.openssl-'))
  try {
    const path = join(scratch, 'openssl.cnf')
    await writeFile(path, config)
    return await use(path)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function readCertificate(path: string): Promise<X509Certificate | undefined> {
  const text = await readIfThere(path)
  return text === undefined ? undefined : new X509Certificate(text)
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
