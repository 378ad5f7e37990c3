/**
 * The certificate that the gateway shows: from the platform's own authority, or from files that the
 * operator has named. Looks every few seconds whether it has been renewed, and has the gateway take the
 * new one without a restart. What cannot be used is logged once, and the one before stays.
 */
import { join } from 'node:path'

import type { CertificateStatus } from '@coppice/api'

import {
  type CertificateFiles,
  describeCertificate,
  readCertificatePair,
} from '../gateway/certificate-pair.ts'
import { ensureCertificates } from '../gateway/certificates.ts'
import type { TlsMaterial } from '../gateway/tls.ts'
import { AppError, describeError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Service } from '../lib/service.ts'

export interface CertificateSource {
  /** Of the platform's own authority. */
  directory: string
  domain: string
  /** Instead of its own. */
  files: CertificateFiles | undefined
}

export interface CertificateKeeperOptions {
  source: CertificateSource
  log: Logger
  /** Has the gateway take another one; rejects where it has not. */
  onChange: (material: TlsMaterial) => Promise<void>
  lookEveryMs?: number
}

/** A renewal need not be noticed sooner, and reading two small files costs nothing. */
const defaultLookEveryMs = 10_000

export class CertificateKeeper implements Service {
  readonly #options: CertificateKeeperOptions
  #material: TlsMaterial
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  /** Why the last look failed; files in the middle of their renewal do so once. */
  #failure: string | undefined
  #loggedFailure: string | undefined

  constructor(material: TlsMaterial, options: CertificateKeeperOptions) {
    this.#material = material
    this.#options = options
  }

  async start(): Promise<void> {
    const { lookEveryMs = defaultLookEveryMs } = this.#options
    this.#timer = setInterval(() => void this.look(), lookEveryMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  /** Looks now, or waits for the look that is going on. Never rejects. */
  async look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  status(): CertificateStatus {
    return certificateStatus(this.#options.source, this.#material)
  }

  async #look(): Promise<void> {
    const { log, onChange, source } = this.#options
    try {
      const found = await readCertificate(source)
      const isNew = found.cert !== this.#material.cert || found.key !== this.#material.key
      if (isNew) {
        await onChange(found)
        this.#material = found
        const { expires_at, names } = this.status()
        log.info({ expires_at, names }, 'the gateway shows a new certificate')
      }
      this.#failure = undefined
      this.#loggedFailure = undefined
    } catch (error) {
      this.#noteFailure(describeError(error))
    }
  }

  #noteFailure(failure: string): void {
    const isLasting = failure === this.#failure
    this.#failure = failure
    if (!isLasting || failure === this.#loggedFailure) return
    this.#loggedFailure = failure
    const text = 'the certificate could not be renewed; the one before stays in use'
    this.#options.log.error({ error: failure }, text)
  }
}

/**
 * The certificate to show. Rejects with AppError where the operator's files cannot be used; one that is
 * not valid at this time is refused only where `mustBeValid`, for databases are not to be down for it.
 */
export async function readCertificate(
  { directory, domain, files }: CertificateSource,
  { mustBeValid = false } = {},
): Promise<TlsMaterial> {
  const material = await readCertificatePair(
    files ?? (await ensureCertificates({ directory, domain })),
  )
  const { isValidNow, warnings } = describeCertificate(material, domain)
  if (isValidNow || !mustBeValid) return material
  throw new AppError('invalid_request', warnings.join(' '))
}

/** What the operator is told of a certificate. */
export function certificateStatus(
  { directory, domain, files }: CertificateSource,
  material: TlsMaterial,
): CertificateStatus {
  const { expiresAt, issuer, names, warnings } = describeCertificate(material, domain)
  return {
    kind: files === undefined ? 'own' : 'files',
    file: files?.certPath ?? join(directory, 'server.crt'),
    names,
    issuer,
    expires_at: expiresAt.toISOString(),
    warnings,
  }
}
