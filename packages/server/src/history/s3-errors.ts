import { S3ServiceError } from 's3mini'

import { AppError, describeError, errorCode } from '../lib/errors.ts'
import { renderS3Url, type S3Location } from './s3-location.ts'

/**
 * What went wrong with S3, for people. The service's own answer is not shown: with a wrong signature it
 * repeats the access key and the headers.
 */
export function explainS3Error(error: unknown, location: S3Location): AppError {
  if (error instanceof AppError) return error
  const place = `${renderS3Url(location)} at ${location.endpoint}`
  return new AppError('s3_unavailable', `${place} ${reasonOf(error, location)}`)
}

/** Whether the same request may well succeed a moment later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof AppError) return false
  if (!(error instanceof S3ServiceError)) return !isCertificateError(networkCode(error))
  const code = s3Code(error)
  return error.status >= 500 || error.status === 429 || transientCodes.has(code)
}

/** `BadDigest`: what arrived was not what was sent. */
const transientCodes = new Set(['RequestTimeout', 'SlowDown', 'BadDigest', 'OperationAborted'])

function reasonOf(error: unknown, location: S3Location): string {
  if (!(error instanceof S3ServiceError)) return networkReason(error)
  const code = s3Code(error)
  const { status } = error
  if (credentialCodes.has(code)) {
    return (
      'refuses the credentials; check COPPICE_S3_ACCESS_KEY_ID and COPPICE_S3_SECRET_ACCESS_KEY ' +
      '(keys that need a session token cannot be used)'
    )
  }
  if (code === 'RequestTimeTooSkewed') {
    return "refuses this machine's clock; set it right (`timedatectl set-ntp true`)"
  }
  if (regionCodes.has(code) || (status >= 300 && status < 400)) {
    return `is in another region than ${location.region}${regionIn(error)}; give the right one with --s3-region`
  }
  if (code === 'NoSuchBucket' || status === 404) {
    return `has no bucket ${location.bucket}; create it, or name another with --wal-store`
  }
  if (status === 401 || status === 403) {
    return (
      'does not let these credentials do this; they need s3:ListBucket on the bucket, and ' +
      's3:GetObject, s3:PutObject and s3:DeleteObject on what is in it'
    )
  }
  return `answered ${status}${code === 'Unknown' ? '' : ` ${code}`}; see the log of the service`
}

const credentialCodes = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  // versitygw's.
  'XAdminUserNotFound',
])

const regionCodes = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'AuthorizationQueryParametersError',
])

/** The service's name for it, `Unknown` where it has none. The library looks at one content type alone. */
export function s3Code({ serviceCode, body }: S3ServiceError): string {
  if (serviceCode !== undefined && serviceCode !== 'Unknown') return serviceCode
  return /<Code>([A-Za-z]{1,80})<\/Code>/.exec(body ?? '')?.[1] ?? 'Unknown'
}

function regionIn({ body }: S3ServiceError): string {
  const [, region] = /<Region>([a-z0-9-]{1,40})<\/Region>/.exec(body ?? '') ?? []
  return region === undefined ? '' : ` (it is in ${region})`
}

function networkReason(error: unknown): string {
  const code = networkCode(error)
  if (isCertificateError(code)) {
    return `has a certificate that this machine does not trust (${code}); name its authority in NODE_EXTRA_CA_CERTS`
  }
  const detail = code ?? describeError(error)
  return `cannot be reached (${detail}); check --s3-endpoint, the network and the service`
}

/** `fetch` says only that it failed; the cause says why. */
function networkCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = errorCode(at)
    if (code !== undefined) return code
    // Of a host with several addresses, each of which failed.
    if (at instanceof AggregateError) return errorCode(at.errors[0])
  }
  return undefined
}

const isCertificateError = (code: string | undefined): boolean =>
  code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code)
