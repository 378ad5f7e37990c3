import { S3ServiceError } from 's3mini'

import { renderS3Url, type S3Location } from './location.ts'

/** What to tell people to check, in the words of the program that they use. */
export interface S3Advice {
  /** Where credentials are given. */
  credentials: string
  /** How the right region is given. */
  region: string
  /** How another bucket is named. */
  bucket: string
  /** Where the address of the service is given. */
  endpoint: string
}

/**
 * What went wrong with S3, for people. The service's own answer is not shown: with a wrong signature it
 * repeats the access key and the headers.
 */
export function describeS3Error(error: unknown, location: S3Location, advice: S3Advice): string {
  const place = `${renderS3Url(location)} at ${location.endpoint}`
  return `${place} ${reasonOf(error, location, advice)}`
}

/** Whether the same request may well succeed a moment later. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof S3ServiceError)) return !isCertificateError(networkCode(error))
  const code = s3Code(error)
  return error.status >= 500 || error.status === 429 || transientCodes.has(code)
}

/** The HTTP status of an error that is the service's answer. */
export function s3Status(error: unknown): number | undefined {
  return error instanceof S3ServiceError ? error.status : undefined
}

/** Whether the bucket is there and the object is not. */
export function isNoSuchKey(error: unknown): boolean {
  return error instanceof S3ServiceError && s3Code(error) === 'NoSuchKey'
}

/** `BadDigest`: what arrived was not what was sent. */
const transientCodes = new Set(['RequestTimeout', 'SlowDown', 'BadDigest', 'OperationAborted'])

function reasonOf(error: unknown, location: S3Location, advice: S3Advice): string {
  if (!(error instanceof S3ServiceError)) return networkReason(error, advice)
  const code = s3Code(error)
  const { status } = error
  if (credentialCodes.has(code)) {
    return (
      `refuses the credentials; check ${advice.credentials} ` +
      '(keys that need a session token cannot be used)'
    )
  }
  if (code === 'RequestTimeTooSkewed') {
    return "refuses this machine's clock; set it right (`timedatectl set-ntp true`)"
  }
  if (regionCodes.has(code) || (status >= 300 && status < 400)) {
    return `is in another region than ${location.region}${regionIn(error)}; ${advice.region}`
  }
  if (code === 'NoSuchBucket' || status === 404) {
    return `has no bucket ${location.bucket}; create it, or ${advice.bucket}`
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

function networkReason(error: unknown, advice: S3Advice): string {
  const code = networkCode(error)
  if (isCertificateError(code)) {
    return `has a certificate that this machine does not trust (${code}); name its authority in NODE_EXTRA_CA_CERTS`
  }
  const detail = code ?? messages(error)
  return `cannot be reached (${detail}); check ${advice.endpoint}, the network and the service`
}

/** `fetch` says only that it failed; the cause says why. */
function networkCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
    // Of a host with several addresses, each of which failed.
    if (at instanceof AggregateError) return networkCode(at.errors[0])
  }
  return undefined
}

function messages(error: unknown): string {
  const parts: string[] = []
  for (let at = error; at instanceof Error && parts.length < 8; at = at.cause) {
    parts.push(at.message)
  }
  return parts.join(': ')
}

const isCertificateError = (code: string | undefined): boolean =>
  code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code)
