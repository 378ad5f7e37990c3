/**
 * A server's certificate and its private key in files that somebody else renews: read, checked to be a
 * pair that TLS can use, and described for whoever runs the platform.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'

import { AppError, errorCode } from '../lib/errors.ts'
import type { TlsMaterial } from './tls.ts'

export interface CertificateFiles {
  /** PEM: the server's certificate first, then those between it and its authority. */
  certPath: string
  /** PEM, without a passphrase. */
  keyPath: string
}

/** What a certificate says, and what is the matter with it where something is. */
export interface CertificateDescription {
  /** Host names and IP addresses. */
  names: string[]
  issuer: string
  expiresAt: Date
  isValidNow: boolean
  /** Sentences; empty for a good one. */
  warnings: string[]
}

const dayMs = 86_400_000
/** Whoever renews by themselves, as ACME clients do, has done so by then. */
const expiresSoonMs = 14 * dayMs

/** Rejects with AppError `invalid_request`, which names the file, where the two cannot be used. */
export async function readCertificatePair(files: CertificateFiles): Promise<TlsMaterial> {
  const [cert, key] = await Promise.all([readText(files.certPath), readText(files.keyPath)])
  const certificate = parse(
    () => new X509Certificate(cert),
    `${files.certPath} holds no certificate in PEM`,
  )
  const privateKey = parse<KeyObject>(
    () => createPrivateKey(key),
    `${files.keyPath} holds no private key in PEM that can be read without a passphrase`,
  )
  if (!certificate.checkPrivateKey(privateKey)) {
    throw unusable(
      `the key in ${files.keyPath} is not that of the certificate in ${files.certPath}`,
    )
  }
  parse(
    () => createSecureContext({ cert, key }),
    `TLS cannot use the certificate in ${files.certPath}`,
  )
  return { cert, key }
}

/** Reads the names, the dates and the issuer; `domain` is what clients' host names end in. */
export function describeCertificate(
  material: TlsMaterial,
  domain: string,
  nowMs = Date.now(),
): CertificateDescription {
  const certificate = new X509Certificate(material.cert)
  const [fromMs, toMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  const validity = validityWarning(fromMs, toMs, nowMs)
  const missing = missingNames(certificate, domain)
  return {
    names: namesOf(certificate),
    issuer: commonName(certificate.issuer),
    expiresAt: new Date(toMs),
    isValidNow: fromMs <= nowMs && nowMs < toMs,
    warnings: [
      ...(validity === undefined ? [] : [validity]),
      ...(missing.length === 0
        ? []
        : [
            `The certificate is not for ${missing.join(' and ')}: clients that verify host names ` +
              '(sslmode=verify-full, HTTPS) refuse it.',
          ]),
    ],
  }
}

function validityWarning(fromMs: number, toMs: number, nowMs: number): string | undefined {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  if (nowMs < fromMs) return `The certificate is not valid before ${day(fromMs)}.`
  if (nowMs >= toMs) return `The certificate has expired on ${day(toMs)}: renew it.`
  if (toMs - nowMs < expiresSoonMs) return `The certificate expires on ${day(toMs)}: renew it.`
  return undefined
}

/** What clients may ask for and the certificate does not cover, as they stand in certificates. */
function missingNames(certificate: X509Certificate, domain: string): string[] {
  const asked = [
    [domain, domain],
    [`ep-any.${domain}`, `*.${domain}`],
  ] as const
  return asked.flatMap(([name, shown]) =>
    certificate.checkHost(name, { subject: 'never' }) === undefined ? [shown] : [],
  )
}

/** From the form `DNS:a, IP Address:b` that Node answers. */
export function namesOf(certificate: X509Certificate): string[] {
  const entries = certificate.subjectAltName?.split(', ') ?? []
  return entries.map((entry) => canonicalName(entry.slice(entry.indexOf(':') + 1)))
}

/** Lower case, and one spelling for each IPv6 address. */
export function canonicalName(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name.toLowerCase()
}

/** Node writes a name's parts as lines: `C=US\nO=Let's Encrypt\nCN=R3`. */
function commonName(name: string): string {
  const parts = name.split('\n')
  const common = parts.find((part) => part.startsWith('CN='))
  return common === undefined ? parts.join(', ') : common.slice('CN='.length)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unusable(`cannot read ${path} (${errorCode(error) ?? 'unknown error'})`, error)
  }
}

function parse<T>(work: () => T, message: string): T {
  try {
    return work()
  } catch (error) {
    throw unusable(message, error)
  }
}

function unusable(message: string, cause?: unknown): AppError {
  return new AppError('invalid_request', message, cause === undefined ? {} : { cause })
}
